import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { evaluated, judged } from '../../actions/kit/judged.ts';
import { planned } from '../../actions/kit/planned.ts';
import { candidateAsked } from '../../actions/train/candidate.ts';
import { trainStage } from '../../actions/train/stage.ts';
import { type EvidenceCheckout, evidenceCheckout } from './evidence-checkout.ts';

let checkout: EvidenceCheckout;
beforeEach(() => {
  checkout = evidenceCheckout();
});
afterEach(() => checkout.remove());

async function found(): Promise<{ trained: number[]; card: string }> {
  const context = await checkout.context();
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
    await checkout.data();
    await checkout.train();
    await checkout.evaluate();
    expect(await found()).toEqual({ trained: [0, 1], card: 'may be written' });
    checkout.edit('models/bikes/problem.yml', /title: .*/, 'title: Another title');
    expect(await found()).toEqual({ trained: [0, 1], card: 'may be written' });
  });

  test('another configuration asks for another training, whose evaluation is old then', async () => {
    await checkout.data();
    await checkout.train();
    await checkout.evaluate();
    checkout.edit('models/bikes/model.yml', /hidden: .*/, 'hidden: [2]');
    await expect(found()).rejects.toThrow('not trained with the present files: "linear", "mlp" of bikes');
    await checkout.train();
    expect((await found()).card).toMatch(/evaluation of bikes is of other files.*roundhouse evaluate/);
    await checkout.evaluate();
    expect(await found()).toEqual({ trained: [0, 1], card: 'may be written' });
  });

  test('a candidate that left model.yml takes no part in the search', async () => {
    await checkout.data();
    await checkout.train();
    checkout.edit('models/bikes/model.yml', /\n {2}- name: mlp[\s\S]*?(?=\n\n)/, '');
    await checkout.train();
    expect((await found()).trained).toEqual([0]);
  });

  test('other data, or fewer rows than the problem asks for, are the turn of the data stage', async () => {
    await checkout.data();
    await checkout.train();
    checkout.edit('models/bikes/data.yml', /key: .*/, 'key: [hr]');
    await expect(found()).rejects.toThrow(/data of bikes were made from other files/);
    await expect(checkout.context().then(trainStage)).rejects.toThrow(
      /data of bikes were made from other files/,
    );
    await checkout.data();
    await checkout.train();
    checkout.edit('models/bikes/problem.yml', /min_rows: \d+/, 'min_rows: 99999');
    await expect(found()).rejects.toThrow(/data of bikes were made from other files/);
  });

  test('that nobody wrote inputs beside does not count', async () => {
    await checkout.data();
    await checkout.train();
    await checkout.evaluate();
    rmSync(join(checkout.workspace, '.roundhouse/evidence/bikes/train-1.json.inputs'));
    await expect(found()).rejects.toThrow('not trained with the present files: "mlp" of bikes');
  });
});

describe('train --candidate', () => {
  test.each(['9', 'abc', '-1', '1.0', ' 1'])(
    '%j is a mistake that is told with the numbers there are',
    async (asked) => {
      const run = checkout.context({ candidate: asked }).then(trainStage);
      await expect(run).rejects.toThrow(`models/bikes/model.yml has no candidate number "${asked}"`);
      await expect(run).rejects.toMatchObject({ fix: 'give one of these: 0 (linear), 1 (mlp)' });
    },
  );

  test('names one by its number', async () => {
    const { plan } = await planned(await checkout.context());
    expect(candidateAsked(plan, '1')).toEqual({ index: 1, name: 'mlp' });
  });
});
