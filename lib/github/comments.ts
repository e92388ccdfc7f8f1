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

export type Comments = ReturnType<typeof comments>;

/** Comments of issues and pull requests. */
export function comments({ octokit, owner, repo }: Repository) {
  const at = { owner, repo };
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
    async create(issue: number, body: string): Promise<IssueComment> {
      const { data } = await octokit.rest.issues.createComment({ ...at, issue_number: issue, body });
      return commentOf(data);
    },
    async update(id: number, body: string): Promise<void> {
      await octokit.rest.issues.updateComment({ ...at, comment_id: id, body });
    },
    async remove(id: number): Promise<void> {
      await octokit.rest.issues.deleteComment({ ...at, comment_id: id });
    },
    /** GitHub keeps one reaction of a kind per account, so this may be repeated. */
    async react(id: number, content: '+1' | '-1' | 'eyes'): Promise<void> {
      await octokit.rest.reactions.createForIssueComment({ ...at, comment_id: id, content });
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
