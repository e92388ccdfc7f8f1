import type { Verdict } from '#lib/lifecycle/verdict.ts';

/**
 * What becomes of a model's health issue. It opens only on proven decay and closes only on proven recovery:
 * a window that cannot tell leaves it as it is, with its newest figures.
 */
export function decideHealth({
  decay,
  isOpen,
}: {
  decay: Verdict;
  isOpen: boolean;
}): 'none' | 'open' | 'update' | 'close' {
  if (!isOpen) return decay === 'failed' ? 'open' : 'none';
  return decay === 'passed' ? 'close' : 'update';
}
