import type { Person } from './comments.ts';
import { orNull, type Repository } from './repository.ts';

export type Issue = {
  id: number;
  number: number;
  title: string;
  body: string;
  author: Person;
  state: 'open' | 'closed';
  created_at: string;
  labels: string[];
  url: string;
  is_pull_request: boolean;
};

export type Issues = ReturnType<typeof issues>;

export function issues({ octokit, owner, repo }: Repository) {
  const at = { owner, repo };
  return {
    async get(number: number): Promise<Issue | null> {
      const answer = await orNull(octokit.rest.issues.get({ ...at, issue_number: number }));
      return answer && issueOf(answer.data);
    },
    async list(filter: {
      state: 'open' | 'closed' | 'all';
      labels?: string;
      /** A login; of an app with its `[bot]`. */
      creator?: string;
    }): Promise<Issue[]> {
      const found = await octokit.paginate(octokit.rest.issues.listForRepo, {
        ...at,
        ...filter,
        per_page: 100,
      });
      return found.map(issueOf).filter((issue) => !issue.is_pull_request);
    },
    async create(issue: {
      title: string;
      body: string;
      labels?: string[];
      milestone?: number;
    }): Promise<Issue> {
      const { data } = await octokit.rest.issues.create({ ...at, ...issue });
      return issueOf(data);
    },
    /** GitHub makes labels that are not there yet. */
    async addLabels(number: number, labels: string[]): Promise<void> {
      await octokit.rest.issues.addLabels({ ...at, issue_number: number, labels });
    },
    async update(
      number: number,
      change: { title?: string; body?: string; state?: 'open' | 'closed'; milestone?: number },
    ): Promise<void> {
      await octokit.rest.issues.update({ ...at, issue_number: number, ...change });
    },
  };
}

type ApiIssue = {
  id: number;
  number: number;
  title: string;
  body?: string | null;
  user: { login: string; type: string } | null;
  state: string;
  created_at: string;
  labels: (string | { name?: string })[];
  html_url: string;
  pull_request?: unknown;
};

function issueOf(issue: ApiIssue): Issue {
  return {
    id: issue.id,
    number: issue.number,
    title: issue.title,
    body: issue.body ?? '',
    author: { login: issue.user?.login ?? 'ghost', type: issue.user?.type ?? 'User' },
    state: issue.state === 'closed' ? 'closed' : 'open',
    created_at: issue.created_at,
    labels: issue.labels.map((label) => (typeof label === 'string' ? label : (label.name ?? ''))),
    url: issue.html_url,
    is_pull_request: issue.pull_request !== undefined && issue.pull_request !== null,
  };
}
