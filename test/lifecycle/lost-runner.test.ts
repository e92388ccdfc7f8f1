import { describe, expect, it } from 'vitest';
import { isRunnerLost } from '#lib/lifecycle/lost-runner.ts';

const github =
  'The self-hosted runner: gpu-1 lost communication with the server. Verify the machine is running and has a healthy network connection.';
const stopped =
  'The runner has received a shutdown signal. This can happen when the runner service is stopped, or a manually started runner is canceled.';
const own = 'Process completed with exit code 1.';

describe('a run that failed because its runner went away', () => {
  it.each([
    ['lost', 'failure', [[github]], true],
    ['lost while it shut down', 'failure', [['The operation was canceled.', stopped]], true],
    ['lost by the local runner', 'failure', [['The runner was lost.'], ['The runner was lost.']], true],
    ['lost before any job began', 'failure', [], true],
    ['failed by its own code', 'failure', [[own]], false],
    ['one job failed by its own code, another lost its runner', 'failure', [[own], [github]], false],
    ['says nothing', 'failure', [[]], false],
    ['cancelled by a person', 'cancelled', [[github]], false],
    ['no workflow', 'startup_failure', [], false],
    ['only quotes it', 'failure', [['log: The runner was lost. again']], false],
  ])('%s', (_what, conclusion, notes, expected) => {
    const failed = notes.map((said) => ({ name: 'train', notes: said }));
    expect(isRunnerLost({ conclusion, failed })).toBe(expected);
  });
});
