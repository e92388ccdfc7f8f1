import type { Finding } from './features/gate.ts';

export type GroupFacts = {
  /** What the gate of the pull request says on its own head; null = it was never posted. */
  gate: Finding | null;
  /** Models that the pull request changes; `isAhead`: so does one that is in front of it in the queue. */
  models: { model: string; isAhead: boolean; differs: string[] }[];
};

/** What may be merged as it stands in a queue: what was approved, byte for byte, one pull request per model. */
export function decideGroup({ gate, models }: GroupFacts): { isWrong: boolean; reason: string } {
  const wrong = (reason: string) => ({ isWrong: true, reason });
  const shared = models.filter(({ isAhead }) => isAhead).map(({ model }) => model);
  if (shared.length > 0) {
    return wrong(
      `${shared.join(', ')}: another pull request ahead in the queue changes it too: queue this again`,
    );
  }
  if (gate?.conclusion !== 'success') {
    return wrong(`its pull request is not ready: ${gate?.title ?? 'nothing is judged yet'}`);
  }
  const changed = models.filter(({ differs }) => differs.length > 0);
  if (changed.length > 0) {
    const what = changed.map(({ model, differs }) => `${differs.join(' and ')} of ${model}`).join(', ');
    return wrong(`not what was approved: with what is ahead in the queue ${what} would change`);
  }
  return { isWrong: false, reason: models.length > 0 ? 'as it was approved' : 'no model touched' };
}
