import { expect, it } from 'vitest';
import { allOf } from '../../app/all-of.ts';

it('goes on after one that fails, in order, and tells every failure at the end', async () => {
  const seen: number[] = [];
  const step = (n: number) => async () => {
    seen.push(n);
    if (n % 2 === 0) throw new Error(`step ${n}`);
  };
  const failed = await allOf([1, 2, 3, 4].map(step)).catch((error: unknown) => error);
  expect(seen).toEqual([1, 2, 3, 4]);
  expect(failed).toMatchObject({ errors: [{ message: 'step 2' }, { message: 'step 4' }] });
  await expect(allOf([step(1)])).resolves.toBeUndefined();
});
