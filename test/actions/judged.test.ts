import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { openContext, type StageContext } from '../../actions/kit/context.ts';
import { type OpenDeps, openDeps } from '../../actions/kit/deps.ts';
import { evaluated, judged } from '../../actions/kit/judged.ts';
import { planned } from '../../actions/kit/planned.ts';
import { silentProgress } from '../../actions/kit/progress.ts';
import { presentInputs } from '../../actions/kit/stage-inputs.ts';
import { makeStatement } from '../../actions/kit/statement.ts';
import { candidateAsked } from '../../actions/train/candidate.ts';
import { trainStage } from '../../actions/train/stage.ts';
import { bikesTexts } from '../formats/bikes.ts';
import { dataResult, evaluateResult, trainResult } from '../formats/sample-evidence.ts';

let workspace: string;
let deps: OpenDeps;

beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'judged-'));
  execFileSync('git', ['init', '-q', workspace]);
  for (const { file, text } of Object.values(bikesTexts())) write(file, text);
  const env = { ROUNDHOUSE_STORE_MAIN: pathToFileURL(join(workspace, '.roundhouse/store')).href };
  deps = openDeps({ workspace, env, progress: silentProgress });
});
afterEach(() => {
  deps.dispose();
  rmSync(workspace, { recursive: true, force: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(workspace, path)), { recursive: true });
  writeFileSync(join(workspace, path), text);
}

function edit(path: string, from: string | RegExp, to: string): void {
  const text = readFileSync(join(workspace, path), 'utf8');
  const edited = text.replace(from, to);
  if (edited === text) throw new Error(`${path} has no ${from}`);
  write(path, edited);
}

const contextOf = (options: Record<string, string> = {}): Promise<StageContext> =>
  openContext({ option: (name) => options[name] ?? '', deps });

/** Evidence as the stages leave it behind for the files as they are now. */
async function runStages(names: readonly ('data' | 'train' | 'evaluate')[]): Promise<void> {
  const context = await contextOf();
  const { plan } = await planned(context);
  const inputs = presentInputs(context, plan);
  const about = { model: 'bikes', plan: null, startedAt: new Date(0), subjects: [] };
  const { evidence } = context;
  for (const name of names) {
    if (name === 'data')
      evidence.save(name, makeStatement(name, { ...about, result: dataResult() }, deps), {
        inputs: inputs.data,
      });
    if (name === 'evaluate')
      evidence.save(name, makeStatement(name, { ...about, result: evaluateResult() }, deps), {
        inputs: inputs.evaluate,
      });
    if (name !== 'train') continue;
    for (const { index, name: candidate } of plan.candidates) {
      const one = { ...trainResult().candidate, index, name: candidate };
      const statement = makeStatement(name, { ...about, result: trainResult({ candidate: one }) }, deps);
      evidence.save(name, statement, { index, inputs: inputs.train(index) });
    }
  }
}

async function found(): Promise<{ trained: number[]; card: string }> {
  const context = await contextOf();
  const { plan } = await planned(context);
  const { train } = await judged(context, plan);
  const card = await evaluated(context, plan).then(
    () => 'may be written',
    (error: unknown) => (error instanceof UserError ? `${error.message}; ${error.fix}` : String(error)),
  );
  return { trained: train.map(({ predicate }) => predicate.result.candidate.index), card };
}

describe('evidence of a plain checkout', () => {
  test('counts while the files are those that it was made from', async () => {
    await runStages(['data', 'train', 'evaluate']);
    expect(await found()).toEqual({ trained: [0, 1], card: 'may be written' });
    edit('models/bikes/problem.yml', /title: .*/, 'title: Another title');
    expect(await found()).toEqual({ trained: [0, 1], card: 'may be written' });
  });

  test('another configuration asks for another training, whose evaluation is old then', async () => {
    await runStages(['data', 'train', 'evaluate']);
    edit('models/bikes/model.yml', /hidden: .*/, 'hidden: [2]');
    await expect(found()).rejects.toThrow('not trained with the present files: "linear", "mlp" of bikes');
    await runStages(['train']);
    expect((await found()).card).toMatch(/evaluation of bikes is of other files.*roundhouse evaluate/);
    await runStages(['evaluate']);
    expect(await found()).toEqual({ trained: [0, 1], card: 'may be written' });
  });

  test('a candidate that left model.yml takes no part in the search', async () => {
    await runStages(['data', 'train']);
    edit('models/bikes/model.yml', /\n {2}- name: mlp[\s\S]*?(?=\n\n)/, '');
    await runStages(['train']);
    expect((await found()).trained).toEqual([0]);
  });

  test('other data, or fewer rows than the problem asks for, are the turn of the data stage', async () => {
    await runStages(['data', 'train']);
    edit('models/bikes/data.yml', /key: .*/, 'key: [hr]');
    await expect(found()).rejects.toThrow(/data of bikes were made from other files/);
    await expect(contextOf().then(trainStage)).rejects.toThrow(/data of bikes were made from other files/);
    await runStages(['data', 'train']);
    edit('models/bikes/problem.yml', /min_rows: \d+/, 'min_rows: 99999');
    await expect(found()).rejects.toThrow(/data of bikes were made from other files/);
  });

  test('that nobody wrote inputs beside does not count', async () => {
    await runStages(['data', 'train', 'evaluate']);
    rmSync(join(workspace, '.roundhouse/evidence/bikes/train-1.json.inputs'));
    await expect(found()).rejects.toThrow('not trained with the present files: "mlp" of bikes');
  });
});

describe('train --candidate', () => {
  test.each(['9', 'abc', '-1', '1.0', ' 1'])(
    '%j is a mistake that is told with the numbers there are',
    async (asked) => {
      const run = contextOf({ candidate: asked }).then(trainStage);
      await expect(run).rejects.toThrow(`models/bikes/model.yml has no candidate number "${asked}"`);
      await expect(run).rejects.toMatchObject({ fix: 'give one of these: 0 (linear), 1 (mlp)' });
    },
  );

  test('names one by its number', async () => {
    const { plan } = await planned(await contextOf());
    expect(candidateAsked(plan, '1')).toEqual({ index: 1, name: 'mlp' });
  });
});
