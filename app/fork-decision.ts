import type { PullRequest } from '#lib/github/pulls.ts';

export type ForkFacts = {
  pull: Pick<PullRequest, 'state' | 'author' | 'head'>;
  /** The commit that was named. */
  sha: string;
  /** Who allows it. */
  login: string;
  /** Files below `.github/` that the commit changes. */
  ruled: readonly string[];
};

/** Why the code of a fork is not let in; null where it may run. What was read is what runs: this very commit. */
export function refusalOfFork({ pull, sha, login, ruled }: ForkFacts): string | null {
  const { state, author, head } = pull;
  if (state !== 'open') return 'it belongs on an open pull request';
  if (head.same_repository) return 'its branch is in this repository: it runs without that';
  if (head.sha !== sha) {
    return `the head is ${head.sha} now: read what changed since, and name that`;
  }
  if (author.login.toLowerCase() === login.toLowerCase()) return 'the author does not let in their own code';
  if (ruled.length > 0) {
    return `it changes ${ruled.slice(0, 5).join(', ')}: workflows and policy are changed from this repository only`;
  }
  return null;
}
