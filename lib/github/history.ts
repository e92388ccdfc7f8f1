import type { Repository } from './repository.ts';

/** A commit that changed a path, with the accounts behind it where GitHub knows them. */
export type PathChange = { sha: string; people: string[] };

/** Who changed what, as the commits of a branch tell it. */
export function history({ octokit, owner, repo }: Repository) {
  return {
    /** The newest commit up to `head` that changed a path; null where none did. */
    async lastChange(head: string, path: string): Promise<PathChange | null> {
      const { data } = await octokit.rest.repos.listCommits({ owner, repo, sha: head, path, per_page: 1 });
      const [last] = data;
      if (!last) return null;
      const people = [last.author?.login, last.committer?.login].filter((login) => login !== undefined);
      return { sha: last.sha, people: [...new Set(people)] };
    },
  };
}
