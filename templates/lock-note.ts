import { render } from '../lib/formats/markdown.ts';
import type { Digest } from '../lib/lifecycle/scalars.ts';
import { loadTemplate } from './load.ts';

/** Does the lock of a pull request name what was judged there? */
export type LockState = 'missing' | 'judged' | 'other';

export function lockStateOf({
  locked,
  candidate,
}: {
  locked: Digest | null;
  candidate: Digest | null;
}): LockState {
  if (locked === null) return 'missing';
  return locked === candidate ? 'judged' : 'other';
}

/** What a merge would deploy, for a section of the card's comment where people commit the locks themselves. */
export function renderLockNote(digests: { locked: Digest | null; candidate: Digest | null }): string {
  const state = lockStateOf(digests);
  return render(loadTemplate('comments/lock.hbs'), { ...digests, [state]: true });
}
