import type { Value } from './problem.ts';

type NumbersValue = Extract<Value, { kind: 'numbers' }>;
type ClassesValue = Extract<Value, { kind: 'classes' }>;

/** Money lost by one prediction of a number: `under` per unit predicted too low, `over` per unit too high. */
export function costOfNumber({ under, over }: NumbersValue, actual: number, predicted: number): number {
  return under * Math.max(0, actual - predicted) + over * Math.max(0, predicted - actual);
}

/** Money lost by answering `predicted` where `actual` is true; null where the matrix has no such cell. */
export function costOfClass({ cost }: ClassesValue, actual: string, predicted: string): number | null {
  return cost[actual]?.[predicted] ?? null;
}
