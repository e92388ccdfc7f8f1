import type { Repository } from './repository.ts';

export type Person = { login: string; type: string };
export type IssueComment = {
  id: number;
  body: string;
  author: Person;
  created_at: string;
  /** An edited comment is never a command: the API shows only the edited text. */
  edited: boolean;
  url: string;
  issue: number;
};

/** GitHub lets no app speak where a conversation is locked. */
export type Said = 'said' | 'locked';

export type Comments = ReturnType<typeof comments>;

/** Comments of issues and pull requests. */
export function comments({ octokit, owner, repo }: Repository) {
  const at = { owner, repo };

  /** A 403 is a fault, unless the conversation is locked: what GitHub says then is worded for people. */
  async function unlessLocked(issue: number, write: () => Promise<unknown>): Promise<Said> {
    try {
      await write();
      return 'said';
    } catch (error) {
      if ((error as { status?: number }).status !== 403) throw error;
      const { data } = await octokit.rest.issues.get({ ...at, issue_number: issue });
      if (!data.locked) throw error;
      return 'locked';
    }
  }

  return {
    async list(issue: number): Promise<IssueComment[]> {
      const found = await octokit.paginate(octokit.rest.issues.listComments, {
        ...at,
        issue_number: issue,
        per_page: 100,
      });
      return found.map(commentOf);
    },
    /** Comments of the whole repository that were made or changed since. */
    async since(since: Date): Promise<IssueComment[]> {
      const found = await octokit.paginate(octokit.rest.issues.listCommentsForRepo, {
        ...at,
        since: since.toISOString(),
        per_page: 100,
      });
      return found.map(commentOf);
    },
    create(issue: number, body: string): Promise<Said> {
      return unlessLocked(issue, () =>
        octokit.rest.issues.createComment({ ...at, issue_number: issue, body }),
      );
    },
    async update(id: number, body: string): Promise<void> {
      await octokit.rest.issues.updateComment({ ...at, comment_id: id, body });
    },
    async remove(id: number): Promise<void> {
      await octokit.rest.issues.deleteComment({ ...at, comment_id: id });
    },
    /** GitHub keeps one reaction of a kind per account, so this may be repeated. */
    react({ id, issue }: { id: number; issue: number }, content: '+1' | '-1' | 'eyes'): Promise<Said> {
      return unlessLocked(issue, () =>
        octokit.rest.reactions.createForIssueComment({ ...at, comment_id: id, content }),
      );
    },
  };
}

type ApiComment = {
  id: number;
  body?: string | null;
  user: { login: string; type: string } | null;
  created_at: string;
  updated_at: string;
  html_url: string;
  issue_url: string;
};

function commentOf(comment: ApiComment): IssueComment {
  return {
    id: comment.id,
    body: comment.body ?? '',
    author: { login: comment.user?.login ?? 'ghost', type: comment.user?.type ?? 'User' },
    created_at: comment.created_at,
    edited: comment.created_at !== comment.updated_at,
    url: comment.html_url,
    issue: Number(comment.issue_url.split('/').at(-1)),
  };
}
