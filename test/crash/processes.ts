import { playJobRunner } from './job-runner.ts';
import type { Target } from './points.ts';
import { playSupervisor } from './supervisor.ts';
import { type Ending, judge, type Recording, recordTwice, type Verdict } from './verdict.ts';

/** Flows of the processes beside the app: each makes its own world. */
const PLAYS: Record<string, (targets: Target[]) => Promise<Ending>> = {
  'job-runner': playJobRunner,
  supervisor: playSupervisor,
};
export const PROCESS_FLOWS = Object.keys(PLAYS).map((name) => ({ name }));

/** As `createRecorder` does it for flows of the app. */
export function createProcessRecorder() {
  const known = new Map<string, Promise<Recording>>();

  function playOf(name: string): (targets: Target[]) => Promise<Ending> {
    const play = PLAYS[name];
    if (!play) throw new Error(`there is no process "${name}": ${Object.keys(PLAYS).join(', ')}`);
    return play;
  }

  function record(name: string): Promise<Recording> {
    const found = known.get(name) ?? recordTwice(name, () => playOf(name)([]));
    known.set(name, found);
    return found;
  }

  return {
    record,
    async crash(name: string, targets: Target[]): Promise<Verdict> {
      return judge(await record(name), () => playOf(name)(targets));
    },
  };
}
