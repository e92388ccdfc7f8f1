import { orNull, type Repository, statusOf } from './repository.ts';

export type Milestone = {
  number: number;
  title: string;
  state: 'open' | 'closed';
  /** A day, such as 2027-02-15. */
  due: string | null;
  url: string;
};

export type Milestones = ReturnType<typeof milestones>;

export function milestones({ octokit, owner, repo }: Repository) {
  const at = { owner, repo };

  async function list(): Promise<Milestone[]> {
    const found = await octokit.paginate(octokit.rest.issues.listMilestones, {
      ...at,
      state: 'all',
      per_page: 100,
    });
    return found.map(milestoneOf);
  }

  return {
    list,
    /** Titles are unique, so one that is there already is the one that was asked for. */
    async ensure(wanted: { title: string; description: string; due: string | null }): Promise<Milestone> {
      const named = async () => (await list()).find(({ title }) => title === wanted.title);
      const known = await named();
      if (known) return known;
      // Of a time GitHub keeps the day only, and at midnight that may be the day before.
      const due = wanted.due === null ? {} : { due_on: `${wanted.due}T12:00:00Z` };
      try {
        const { title, description } = wanted;
        const { data } = await octokit.rest.issues.createMilestone({ ...at, title, description, ...due });
        return milestoneOf(data);
      } catch (error) {
        const other = statusOf(error) === 422 ? await named() : undefined;
        if (!other) throw error;
        return other;
      }
    },
  };
}

type ApiMilestone = { number: number; title: string; state: string; due_on: string | null; html_url: string };

function milestoneOf({ number, title, state, due_on, html_url: url }: ApiMilestone): Milestone {
  return {
    number,
    title,
    state: state === 'closed' ? 'closed' : 'open',
    due: due_on?.slice(0, 10) ?? null,
    url,
  };
}

export type SubIssues = ReturnType<typeof subIssues>;

/** A parent is named by its number, a child by its id. Older GitHub Enterprise Servers have none of this. */
export function subIssues({ octokit, owner, repo }: Repository) {
  return {
    /** Ids of the children; null where this GitHub knows no sub-issues. */
    async list(parent: number): Promise<number[] | null> {
      const at = { owner, repo, issue_number: parent, per_page: 100 };
      const answer = await orNull(octokit.rest.issues.listSubIssues(at));
      return answer?.data.map(({ id }) => id) ?? null;
    },
    /** False where this GitHub knows no sub-issues. */
    async add(parent: number, child: number): Promise<boolean> {
      const at = { owner, repo, issue_number: parent, sub_issue_id: child };
      return (await orNull(octokit.rest.issues.addSubIssue(at))) !== null;
    },
  };
}
