import type { Person } from './comments.ts';
import { orNull, type Repository } from './repository.ts';

export type PullRequest = {
  number: number;
  title: string;
  body: string;
  author: Person;
  state: 'open' | 'closed';
  merged: boolean;
  draft: boolean;
  /** null: GitHub has not computed it yet, or a list was asked. */
  mergeable: boolean | null;
  base: { ref: string; sha: string };
  head: { ref: string; sha: string; same_repository: boolean };
  url: string;
};

export type Pulls = ReturnType<typeof pulls>;

export function pulls({ octokit, owner, repo }: Repository) {
  const at = { owner, repo };
  return {
    async get(number: number): Promise<PullRequest | null> {
      const answer = await orNull(octokit.rest.pulls.get({ ...at, pull_number: number }));
      return answer && pullOf(answer.data, `${owner}/${repo}`);
    },
    async list(filter: {
      state: 'open' | 'closed' | 'all';
      head?: string;
      base?: string;
    }): Promise<PullRequest[]> {
      const head = filter.head === undefined ? {} : { head: `${owner}:${filter.head}` };
      const found = await octokit.paginate(octokit.rest.pulls.list, {
        ...at,
        ...filter,
        ...head,
        per_page: 100,
      });
      return found.map((pull) => pullOf(pull, `${owner}/${repo}`));
    },
    /** Pull requests that a commit came by, also those that are open still. */
    async ofCommit(sha: string): Promise<PullRequest[]> {
      const found = await octokit.paginate(octokit.rest.repos.listPullRequestsAssociatedWithCommit, {
        ...at,
        commit_sha: sha,
        per_page: 100,
      });
      return found.map((pull) => pullOf(pull, `${owner}/${repo}`));
    },
    /** Paths that the pull request changes, also those that a rename left. */
    async paths(number: number): Promise<string[]> {
      const files = await octokit.paginate(octokit.rest.pulls.listFiles, {
        ...at,
        pull_number: number,
        per_page: 100,
      });
      return files.flatMap((file) =>
        file.previous_filename ? [file.filename, file.previous_filename] : [file.filename],
      );
    },
    /** Accounts that wrote or committed any commit of the pull request; null where GitHub knows no account. */
    async committers(number: number): Promise<string[]> {
      const commits = await octokit.paginate(octokit.rest.pulls.listCommits, {
        ...at,
        pull_number: number,
        per_page: 100,
      });
      const logins = commits.flatMap((commit) => [commit.author?.login, commit.committer?.login]);
      return [...new Set(logins.filter((login) => login !== undefined))];
    },
    async create(pull: { title: string; body: string; head: string; base: string }): Promise<PullRequest> {
      const { data } = await octokit.rest.pulls.create({ ...at, ...pull });
      return pullOf(data, `${owner}/${repo}`);
    },
  };
}

type ApiPull = {
  number: number;
  title: string;
  body: string | null;
  user: { login: string; type: string } | null;
  state: string;
  merged_at: string | null;
  draft?: boolean | undefined;
  mergeable?: boolean | null;
  base: { ref: string; sha: string };
  head: { ref: string; sha: string; repo: { full_name: string } | null };
  html_url: string;
};

function pullOf(pull: ApiPull, repository: string): PullRequest {
  return {
    number: pull.number,
    title: pull.title,
    body: pull.body ?? '',
    author: { login: pull.user?.login ?? 'ghost', type: pull.user?.type ?? 'User' },
    state: pull.state === 'closed' ? 'closed' : 'open',
    merged: pull.merged_at !== null,
    draft: pull.draft ?? false,
    mergeable: pull.mergeable ?? null,
    base: { ref: pull.base.ref, sha: pull.base.sha },
    head: {
      ref: pull.head.ref,
      sha: pull.head.sha,
      same_repository: pull.head.repo?.full_name === repository,
    },
    url: pull.html_url,
  };
}
