import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { logOf, oneJob, useRunner } from './execute.ts';
import { fakeToken, until } from './fake-github.ts';

const bench = useRunner();

describe('workflow commands', () => {
  test('errors, warnings and notices become annotations', async () => {
    const run = await bench.execute(
      oneJob(`
- run: |
    echo "::error file=a.ts,line=3,endLine=4,col=5,title=Bad%2C bad::broken%0Ahere"
    echo "::warning::careful"
    echo "::notice::by the way"
    echo "::group::Inner"; echo inside; echo "::endgroup::"
`),
    );
    expect(run.jobs.get('one')?.annotations).toEqual([
      {
        level: 'failure',
        message: 'broken\nhere',
        title: 'Bad, bad',
        path: 'a.ts',
        line: 3,
        end_line: 4,
        start_column: 5,
      },
      { level: 'warning', message: 'careful' },
      { level: 'notice', message: 'by the way' },
    ]);
    expect(logOf(run)).toContain('##[group]Inner\ninside\n##[endgroup]');
    expect(run.conclusion).toBe('success');
  });

  test('stop-commands makes commands plain text until its token comes', async () => {
    const run = await bench.execute(
      oneJob(`
- run: |
    echo "::stop-commands::pause-42"
    echo "::error::only text"
    echo "::pause-42::"
    echo "::error::a real one"
`),
    );
    expect(run.jobs.get('one')?.annotations.map(({ message }) => message)).toEqual(['a real one']);
    expect(logOf(run)).toContain('\n::error::only text\n');
  });

  test('set-output and its like are refused with a warning', async () => {
    const run = await bench.execute(
      oneJob(`
- {id: old, run: 'echo "::set-output name=a::1"; echo "::set-env name=B::2"'}
- run: echo "[\${{ steps.old.outputs.a }}$B]"
`),
    );
    expect(run.jobs.get('one')?.annotations.map(({ message }) => message)).toEqual([
      expect.stringContaining("'::set-output::' is deprecated"),
      expect.stringContaining("'::set-env::' is deprecated"),
    ]);
    expect(logOf(run)).toContain('\n[]\n');
  });
});

describe('command files', () => {
  test.each([
    ['no format', 'echo "just text" >> "$GITHUB_OUTPUT"', "Invalid format 'just text'"],
    ['no end', 'printf \'a<<END\\nx\\n\' >> "$GITHUB_ENV"', "Matching delimiter not found 'END'"],
    ['NODE_OPTIONS', 'echo NODE_OPTIONS=--inspect >> "$GITHUB_ENV"', "Can't store NODE_OPTIONS"],
  ])('%s is an error of the step', async (_, command, message) => {
    const run = await bench.execute(oneJob(`- run: |\n    ${command}`));
    expect(run.conclusion).toBe('failure');
    expect(logOf(run)).toContain(message);
  });

  test("GITHUB_ENV cannot rename the run, and a delimiter inside a value's line is no end", async () => {
    const run = await bench.execute(
      oneJob(`
- run: |
    echo GITHUB_REPOSITORY=evil/evil >> "$GITHUB_ENV"
    printf 'TEXT<<END\\n xEND\\nEND\\n' >> "$GITHUB_ENV"
- run: echo "$GITHUB_REPOSITORY [$TEXT]"
`),
    );
    expect(logOf(run)).toContain('acme/bikes [ xEND]');
  });
});

describe('secrets', () => {
  test('secrets, the token and added masks are hidden in log, annotations and summary, also in parts and encoded', async () => {
    const run = await bench.execute(
      oneJob(`
- env: {P: "\${{ secrets.PASSWORD }}", K: "\${{ secrets.KEY }}", T: "\${{ github.token }}"}
  run: |
    echo "pass $P"
    echo "$K"
    echo "token $T"
    printf 'x-access-token:%s' "$T" | base64 -w0; echo
    echo "::add-mask::rose-$((40 + 2))"
    echo "found rose-$((40 + 2))"
    echo "::warning::saw $P"
    echo "summary $P" >> "$GITHUB_STEP_SUMMARY"
`),
      { secrets: { PASSWORD: 'hunter2-hunter2', KEY: '-----BEGIN-----\nabcdef\nghijkl\n-----END-----' } },
    );
    expect(run.conclusion).toBe('success');
    const job = run.jobs.get('one');
    const everything = logOf(run) + JSON.stringify(job);
    const token = fakeToken(run.claimed.id);
    for (const secret of [
      'hunter2',
      'abcdef',
      'ghijkl',
      token,
      'rose-42',
      Buffer.from(`x-access-token:${token}`).toString('base64'),
    ]) {
      expect(everything).not.toContain(secret);
    }
    expect(logOf(run)).toContain('pass ***');
    expect(logOf(run)).toContain('found ***');
    expect(job?.annotations[0]?.message).toBe('saw ***');
    expect(job?.summary).toBe('summary ***\n');
  });

  test('a job output with a secret in it is dropped', async () => {
    const run = await bench.execute(`
on: workflow_dispatch
jobs:
  one:
    runs-on: ubuntu-latest
    outputs: {leak: "\${{ steps.s.outputs.leak }}", fine: ok}
    steps: [{id: s, env: {P: "\${{ secrets.PASSWORD }}"}, run: 'echo "leak=$P" >> "$GITHUB_OUTPUT"'}]
  two: {needs: one, runs-on: ubuntu-latest, steps: [{run: 'echo "[\${{ needs.one.outputs.leak }}] [\${{ needs.one.outputs.fine }}]"'}]}
`);
    expect(logOf(run, 'two')).toContain('\n[] [ok]\n');
    expect(run.jobs.get('one')?.annotations[0]?.message).toBe(
      "Skip output 'leak' since it may contain secret.",
    );
  });
});

test('output without line ends is cut, bytes between characters and a last line without an end are kept', async () => {
  const run = await bench.execute(
    oneJob(`
- run: head -c 3000000 /dev/zero | tr '\\0' x; echo; echo next
- run: printf 'h\\303'; sleep 0.05; printf '\\244lt\\r\\nlast'
`),
  );
  const log = logOf(run);
  expect(log).toMatch(/^x{1048576} \(line cut\)\nnext\n/m);
  expect(log).toContain('\nh\u00e4lt\nlast\n');
});

describe('the machine after a job', () => {
  test('a job begins clean and leaves nothing: no variable of the runner, no folder, no process', async () => {
    process.env.RUNNERS_OWN_SECRET = 'do-not-pass';
    const run = await bench.execute(
      oneJob(`
- run: |
    (sleep 60 & echo "plain $!")
    setsid sleep 61 > /dev/null 2>&1 & echo "session $!"
    setsid env -i sleep 62 > /dev/null 2>&1 & echo "bare $!"
    env -i sleep 63 > /dev/null 2>&1 & echo "anonymous $!"
    sleep 0.1
- run: |
    echo "own [$RUNNERS_OWN_SECRET] home $HOME"
    ls -A "$HOME" "$GITHUB_WORKSPACE" | wc -l
    test "$PWD" = "$GITHUB_WORKSPACE" && test -d "$RUNNER_TEMP"
`),
    );
    delete process.env.RUNNERS_OWN_SECRET;
    expect(run.conclusion).toBe('success');
    expect(logOf(run)).toContain('own [] home ');
    const pids = [...logOf(run).matchAll(/^(?:plain|session|bare|anonymous) (\d+)$/gm)].map((match) =>
      Number(match[1]),
    );
    expect(pids).toHaveLength(4);
    await until(() => pids.every((pid) => !lives(pid)), 2_000);
    expect(logOf(run)).toMatch(/Terminate orphan process: pid \(\d+\) \(sleep\)/);
    expect(() => readFileSync(`${bench.dir}/jobs/work/${run.claimed.id}-1-one/package.json`)).toThrow(
      'ENOENT',
    );
  });
});

function lives(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

// GitHub docs, actions/how-tos/monitor-workflows/enable-debug-logging; reference/workflow-syntax: runner context.
test('debug lines are shown in a run that was asked for them, and in no other', async () => {
  const steps = oneJob(`- run: echo "::debug::deep"; echo "[\${{ runner.debug }}$RUNNER_DEBUG]"`);
  const quiet = await bench.execute(steps);
  expect(logOf(quiet)).not.toMatch(/^##\[debug\]deep$/m);
  expect(logOf(quiet)).toMatch(/^\[\]$/m);
  const loud = await bench.execute(steps, { debug: true });
  expect(logOf(loud)).toMatch(/^##\[debug\]deep$/m);
  expect(logOf(loud)).toMatch(/^\[11\]$/m);
});
