import { describe, expect, it } from 'vitest';
import type { Predictor } from '#lib/ml/predictor-types.ts';
import { type Answer, startModelProcess } from '../../../runners/model-server/model-process.ts';
import { signature } from './tiny-model.ts';

/** A stand-in for the child: doubles x, dies of 666, answers no number for 13, and keeps what it was asked. */
function fakePredictors() {
  const batches: number[][] = [];
  let alive = 0;
  let startable = true;
  async function start(): Promise<Predictor> {
    if (!startable) throw new Error('no memory');
    alive += 1;
    let isDead = false;
    return {
      async predict(feed, rows) {
        const x = [...(feed.x as Float32Array)];
        batches.push(x);
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (isDead || x.includes(666)) {
          isDead = true;
          throw new Error('the process ended by itself');
        }
        return {
          values: Float32Array.from(x, (value) => (value === 13 ? Number.NaN : value * 2)),
          width: rows === 0 ? 0 : 1,
        };
      },
      async close() {
        if (!isDead) alive -= 1;
        isDead = true;
      },
    };
  }
  return { start, batches, alive: () => alive, setStartable: (value: boolean) => (startable = value) };
}

function startWith(fake: ReturnType<typeof fakePredictors>, maxQueuedRows?: number) {
  const options = { name: 'bikes', model: new Uint8Array(), signature, start: fake.start, log: () => {} };
  return startModelProcess(maxQueuedRows === undefined ? options : { ...options, maxQueuedRows });
}
const row = (x: number) => ({ x, city: 'a' });
const values = (answer: Answer) => (answer.kind === 'answered' ? answer.rows.flat() : answer.kind);

describe('one model in one child', () => {
  it('requests of one tick, and those that come while it is busy, go together', async () => {
    const fake = fakePredictors();
    const model = await startWith(fake);
    const early = [1, 2, 3].map((x) => model.predict([row(x)]));
    await new Promise((resolve) => setTimeout(resolve, 2));
    const late = [4, 5].map((x) => model.predict([row(x), row(x * 10)]));
    expect((await Promise.all([...early, ...late])).map(values)).toEqual([[2], [4], [6], [8, 80], [10, 100]]);
    expect(fake.batches).toEqual([
      [1, 2, 3],
      [4, 40, 5, 50],
    ]);
    await model.close();
  });

  it('a request that kills the child takes no other with it', async () => {
    const fake = fakePredictors();
    const model = await startWith(fake);
    const answers = await Promise.all([1, 666, 3, 4].map((x) => model.predict([row(x)])));
    expect(answers.map(values)).toEqual([[2], 'failed', [6], [8]]);
    expect(model.restarts()).toBe(2);
    expect(model.isReady()).toBe(true);
    await model.close();
  });

  it('no number is no answer, and the others of the batch have theirs', async () => {
    const fake = fakePredictors();
    const model = await startWith(fake);
    const answers = await Promise.all([1, 13, 3].map((x) => model.predict([row(x)])));
    expect(answers.map(values)).toEqual([[2], 'failed', [6]]);
    expect(model.restarts()).toBe(0);
    await model.close();
  });

  it('while it can not be started again, requests are turned away; then it answers', async () => {
    const fake = fakePredictors();
    const model = await startWith(fake);
    fake.setStartable(false);
    const lost = await model.predict([row(666)]);
    expect(lost).toMatchObject({ kind: 'busy' });
    if (lost.kind === 'busy') expect(lost.retryAfter).toBeGreaterThanOrEqual(1);
    expect(model.isReady()).toBe(false);
    expect(values(await model.predict([row(1)]))).toBe('busy');
    fake.setStartable(true);
    await expect.poll(() => model.isReady(), { timeout: 10_000 }).toBe(true);
    expect(values(await model.predict([row(1)]))).toEqual([2]);
    await model.close();
  });

  it('what would wait too long is turned away at once', async () => {
    const model = await startWith(fakePredictors(), 10);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => model.predict([row(1), row(2), row(3)])),
    );
    expect(answers.map(({ kind }) => kind)).toEqual([
      'answered',
      'answered',
      'answered',
      ...Array(5).fill('busy'),
    ]);
    expect(model.queuedRows()).toBe(0);
    await model.close();
  });

  it('closing answers what was taken, refuses the rest, and leaves no child', async () => {
    const fake = fakePredictors();
    const model = await startWith(fake);
    const taken = [1, 2, 3].map((x) => model.predict([row(x)]));
    const closed = model.close();
    expect(values(await model.predict([row(9)]))).toBe('busy');
    await closed;
    expect((await Promise.all(taken)).map(values)).toEqual([[2], [4], [6]]);
    expect(fake.alive()).toBe(0);
  });
});
