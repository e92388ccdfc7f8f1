import { digestOf, hexOf } from '#lib/formats/digest.ts';
import type { Stage } from './stage.ts';

type Reader = Pick<Stage, 'people'>;

export function evidencePath(digest: string): string {
  const hex = digest.slice('sha256:'.length);
  return `evidence/${hex.slice(0, 2)}/${hex}.json`;
}

/** The result in a piece of evidence on branch `roundhouse`. Throws where its bytes are not what its name says. */
export async function evidenceAt<Result>({ people }: Reader, path: string): Promise<Result> {
  const text = await people.mlLead.file(path, 'roundhouse');
  if (text === null) throw new Error(`${path} is missing on branch roundhouse`);
  if (!path.endsWith(`/${hexOf(digestOf(text))}.json`)) throw new Error(`${path} holds other bytes`);
  return (JSON.parse(text) as { predicate: { result: Result } }).predicate.result;
}

type Figure = { estimate: number; lower: number | null; upper: number | null };
export type Judgement = {
  pull_request: number;
  verdict: string;
  recent: { comparisons: { metric: string; candidate: Figure }[] };
};

/** What the evaluations of all pull requests found, oldest first; of several of one pull request the newest. */
export async function judgements({ people, model }: Reader & Pick<Stage, 'model'>): Promise<Judgement[]> {
  const found = new Map<number, Judgement & { at: string }>();
  for (const path of await people.mlLead.paths('roundhouse', `runs/${model}/`)) {
    const run = JSON.parse((await people.mlLead.file(path, 'roundhouse')) ?? '{}') as {
      stage: string;
      pull_request: number;
      evaluate: string;
      at: string;
    };
    const known = found.get(run.pull_request);
    if (run.stage !== 'evaluate' || (known !== undefined && known.at > run.at)) continue;
    const result = await evidenceAt<Omit<Judgement, 'pull_request'>>({ people }, evidencePath(run.evaluate));
    found.set(run.pull_request, { ...result, pull_request: run.pull_request, at: run.at });
  }
  return [...found.values()].toSorted((a, b) => a.pull_request - b.pull_request);
}
