import { Octokit } from 'octokit';

/** A person with a token, who does what people do: through the public API and nothing else. */
export type Person = {
  login: string;
  openIssue(issue: {
    title: string;
    body: string;
    labels: string[];
  }): Promise<{ number: number; url: string }>;
  comment(number: number, body: string): Promise<{ url: string }>;
  comments(
    number: number,
  ): Promise<{ id: number; body: string; author: string; url: string; createdAt: string }[]>;
  /** One commit with the files on a new branch from the default branch. */
  pushBranch(branch: string, message: string, files: Record<string, string>): Promise<{ sha: string }>;
  openPull(pull: { title: string; body: string; head: string }): Promise<{ number: number; url: string }>;
  pulls(state: 'open' | 'closed' | 'all'): Promise<PullSummary[]>;
  pull(number: number): Promise<PullSummary>;
  checks(
    sha: string,
  ): Promise<Record<string, { status: string; conclusion: string | null; title: string; url: string }>>;
  /** Merges at the head that was looked at, or throws. */
  merge(number: number, sha: string): Promise<{ sha: string }>;
  close(number: number): Promise<void>;
  file(path: string, ref?: string): Promise<string | null>;
  /** Paths of the files on a branch that start with the prefix. */
  paths(branch: string, prefix: string): Promise<string[]>;
  tags(prefix: string): Promise<string[]>;
  releases(): Promise<{ tag: string; url: string; draft: boolean; assets: string[] }[]>;
  deployments(
    environment: string,
  ): Promise<{ id: number; sha: string; state: string; description: string; url: string }[]>;
  issues(state: 'open' | 'all'): Promise<
    {
      number: number;
      title: string;
      body: string;
      author: string;
      url: string;
      state: string;
      labels: string[];
    }[]
  >;
  runs(workflow: string): Promise<
    {
      id: number;
      status: string;
      conclusion: string | null;
      event: string;
      url: string;
      title: string;
      createdAt: string;
    }[]
  >;
};

export type PullSummary = {
  number: number;
  title: string;
  author: string;
  headRef: string;
  headSha: string;
  state: string;
  merged: boolean;
  url: string;
  body: string;
};

export type Repository = { owner: string; repo: string; apiUrl: string };

type PullData = {
  number: number;
  title: string;
  state: string;
  html_url: string;
  body: string | null;
  merged_at: string | null;
  user: { login: string } | null;
  head: { ref: string; sha: string };
};

function pullSummary(pull: PullData): PullSummary {
  return {
    number: pull.number,
    title: pull.title,
    author: pull.user?.login ?? '',
    headRef: pull.head.ref,
    headSha: pull.head.sha,
    state: pull.state,
    merged: pull.merged_at !== null,
    url: pull.html_url,
    body: pull.body ?? '',
  };
}

export function person({ login, token, at }: { login: string; token: string; at: Repository }): Person {
  const octokit = new Octokit({
    auth: token,
    baseUrl: at.apiUrl,
    throttle: { enabled: false },
    retry: { enabled: false },
  });
  const where = { owner: at.owner, repo: at.repo };
  const { rest } = octokit;

  return {
    login,
    async openIssue(issue) {
      const { data } = await rest.issues.create({ ...where, ...issue });
      return { number: data.number, url: data.html_url };
    },
    async comment(issue_number, body) {
      const { data } = await rest.issues.createComment({ ...where, issue_number, body });
      return { url: data.html_url };
    },
    async comments(issue_number) {
      const data = await octokit.paginate(rest.issues.listComments, {
        ...where,
        issue_number,
        per_page: 100,
      });
      return data.map((comment) => ({
        id: comment.id,
        body: comment.body ?? '',
        author: comment.user?.login ?? '',
        url: comment.html_url,
        createdAt: comment.created_at,
      }));
    },
    async pushBranch(branch, message, files) {
      const { data: repository } = await rest.repos.get(where);
      const { data: base } = await rest.git.getRef({ ...where, ref: `heads/${repository.default_branch}` });
      const { data: tree } = await rest.git.createTree({
        ...where,
        base_tree: base.object.sha,
        tree: Object.entries(files).map(([path, content]) => ({
          path,
          mode: '100644' as const,
          type: 'blob' as const,
          content,
        })),
      });
      const { data: commit } = await rest.git.createCommit({
        ...where,
        message,
        tree: tree.sha,
        parents: [base.object.sha],
      });
      await rest.git.createRef({ ...where, ref: `refs/heads/${branch}`, sha: commit.sha });
      return { sha: commit.sha };
    },
    async openPull({ title, body, head }) {
      const { data: repository } = await rest.repos.get(where);
      const { data } = await rest.pulls.create({
        ...where,
        title,
        body,
        head,
        base: repository.default_branch,
      });
      return { number: data.number, url: data.html_url };
    },
    async pulls(state) {
      const data = await octokit.paginate(rest.pulls.list, { ...where, state, per_page: 100 });
      return data.map(pullSummary);
    },
    async pull(pull_number) {
      const { data } = await rest.pulls.get({ ...where, pull_number });
      return pullSummary(data);
    },
    async checks(ref) {
      const { data } = await rest.checks.listForRef({ ...where, ref, per_page: 100 });
      return Object.fromEntries(
        data.check_runs.map((run) => [
          run.name,
          {
            status: run.status,
            conclusion: run.conclusion,
            title: run.output.title ?? '',
            url: run.html_url ?? '',
          },
        ]),
      );
    },
    async merge(pull_number, sha) {
      const { data } = await rest.pulls.merge({ ...where, pull_number, sha, merge_method: 'merge' });
      return { sha: data.sha };
    },
    async close(pull_number) {
      await rest.pulls.update({ ...where, pull_number, state: 'closed' });
    },
    async paths(branch, prefix) {
      const { data } = await rest.git.getTree({ ...where, tree_sha: branch, recursive: '1' });
      return data.tree.flatMap(({ path, type }) =>
        type === 'blob' && path?.startsWith(prefix) ? [path] : [],
      );
    },
    async file(path, ref) {
      try {
        const { data } = await rest.repos.getContent({
          ...where,
          path,
          ...(ref === undefined ? {} : { ref }),
          mediaType: { format: 'raw' },
        });
        return data as unknown as string;
      } catch (error) {
        if ((error as { status?: number }).status === 404) return null;
        throw error;
      }
    },
    async tags(prefix) {
      const { data } = await rest.git.listMatchingRefs({ ...where, ref: `tags/${prefix}` });
      return data.map(({ ref }) => ref.slice('refs/tags/'.length));
    },
    async releases() {
      const { data } = await rest.repos.listReleases({ ...where, per_page: 100 });
      return data.map((release) => ({
        tag: release.tag_name,
        url: release.html_url,
        draft: release.draft,
        assets: release.assets.map(({ name }) => name),
      }));
    },
    async deployments(environment) {
      const { data } = await rest.repos.listDeployments({ ...where, environment, per_page: 100 });
      return Promise.all(
        data.map(async ({ id, sha, url }) => {
          const { data: statuses } = await rest.repos.listDeploymentStatuses({
            ...where,
            deployment_id: id,
            per_page: 100,
          });
          return {
            id,
            sha,
            url,
            state: statuses[0]?.state ?? 'pending',
            description: statuses[0]?.description ?? '',
          };
        }),
      );
    },
    async issues(state) {
      const data = await octokit.paginate(rest.issues.listForRepo, { ...where, state, per_page: 100 });
      return data
        .filter((issue) => issue.pull_request === undefined)
        .map((issue) => ({
          number: issue.number,
          title: issue.title,
          body: issue.body ?? '',
          author: issue.user?.login ?? '',
          url: issue.html_url,
          state: issue.state,
          labels: issue.labels.map((label) => (typeof label === 'string' ? label : (label.name ?? ''))),
        }));
    },
    async runs(workflow_id) {
      const { data } = await rest.actions.listWorkflowRuns({ ...where, workflow_id, per_page: 100 });
      return data.workflow_runs.map((run) => ({
        id: run.id,
        status: run.status ?? '',
        conclusion: run.conclusion,
        event: run.event,
        url: run.html_url,
        title: run.display_title,
        createdAt: run.created_at,
      }));
    },
  };
}
