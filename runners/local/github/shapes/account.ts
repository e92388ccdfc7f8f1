import { ACTIONS_APP_ID } from '../auth.ts';
import { findAccount, type Hub } from '../hub.ts';
import type { App, Installation } from '../rows/app.ts';
import type { Repository, Role } from '../rows/repository.ts';

export function nodeId(kind: string, id: number): string {
  return Buffer.from(`${kind}:${id}`).toString('base64');
}

export function apiUrl(hub: Hub, path: string): string {
  return `${hub.origin}/api/v3${path}`;
}

export function repoUrl(hub: Hub, repo: Repository, path = ''): string {
  return apiUrl(hub, `/repos/${repo.owner}/${repo.name}${path}`);
}

export function htmlUrl(hub: Hub, repo: Repository, path = ''): string {
  return `${hub.origin}/${repo.owner}/${repo.name}${path}`;
}

export function userShape(hub: Hub, login: string) {
  const account = findAccount(hub, login);
  const url = apiUrl(hub, `/users/${encodeURIComponent(login)}`);
  return {
    login,
    id: account?.id ?? 0,
    node_id: nodeId('User', account?.id ?? 0),
    avatar_url: `${hub.origin}/_local/avatar/${encodeURIComponent(login)}.svg`,
    gravatar_id: '',
    url,
    html_url: `${hub.origin}/${login.endsWith('[bot]') ? `apps/${login.slice(0, -5)}` : login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: account?.type ?? ('User' as const),
    site_admin: false,
  };
}

export function maybeUser(hub: Hub, login: string | null) {
  return login === null ? null : userShape(hub, login);
}

export function appShape(hub: Hub, app: App) {
  return {
    id: app.id,
    slug: app.slug,
    node_id: nodeId('App', app.id),
    client_id: app.client_id,
    owner: userShape(hub, app.owner),
    name: app.name,
    description: '',
    external_url: hub.origin,
    html_url: `${hub.origin}/apps/${app.slug}`,
    created_at: app.created_at,
    updated_at: app.created_at,
    permissions: app.permissions,
    events: app.events,
  };
}

/** Of an app id as rows carry it: also that of GitHub Actions, which nobody registers. */
export function viaAppShape(hub: Hub, appId: number | null) {
  if (appId === null) return null;
  const app = hub.db.get('apps', appId);
  if (app) return appShape(hub, app);
  return {
    id: ACTIONS_APP_ID,
    slug: 'github-actions',
    node_id: nodeId('App', ACTIONS_APP_ID),
    client_id: 'Iv1.github-actions',
    owner: { ...userShape(hub, 'github'), type: 'Organization' as const },
    name: 'GitHub Actions',
    description: 'Automate your workflow from idea to production',
    external_url: 'https://help.github.com/en/actions',
    html_url: `${hub.origin}/apps/github-actions`,
    created_at: '2018-07-30T09:30:17Z',
    updated_at: '2018-07-30T09:30:17Z',
    permissions: {},
    events: [],
  };
}

export function installationShape(hub: Hub, installation: Installation) {
  const app = hub.db.get('apps', installation.app_id);
  const path = `/app/installations/${installation.id}`;
  return {
    id: installation.id,
    client_id: app?.client_id ?? '',
    account: userShape(hub, installation.account),
    repository_selection: 'selected' as const,
    access_tokens_url: apiUrl(hub, `${path}/access_tokens`),
    repositories_url: apiUrl(hub, '/installation/repositories'),
    html_url: `${hub.origin}/organizations/${installation.account}/settings/installations/${installation.id}`,
    app_id: installation.app_id,
    app_slug: app?.slug ?? '',
    target_id: userShape(hub, installation.account).id,
    target_type: 'Organization',
    permissions: installation.permissions ?? app?.permissions ?? {},
    events: app?.events ?? [],
    created_at: installation.created_at,
    updated_at: installation.created_at,
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [],
    suspended_by: installation.suspended_at ? userShape(hub, installation.account) : null,
    suspended_at: installation.suspended_at ?? null,
  };
}

const URLS = {
  archive_url: '/{archive_format}{/ref}',
  assignees_url: '/assignees{/user}',
  blobs_url: '/git/blobs{/sha}',
  branches_url: '/branches{/branch}',
  collaborators_url: '/collaborators{/collaborator}',
  comments_url: '/comments{/number}',
  commits_url: '/commits{/sha}',
  compare_url: '/compare/{base}...{head}',
  contents_url: '/contents/{+path}',
  contributors_url: '/contributors',
  deployments_url: '/deployments',
  downloads_url: '/downloads',
  events_url: '/events',
  forks_url: '/forks',
  git_commits_url: '/git/commits{/sha}',
  git_refs_url: '/git/refs{/sha}',
  git_tags_url: '/git/tags{/sha}',
  hooks_url: '/hooks',
  issue_comment_url: '/issues/comments{/number}',
  issue_events_url: '/issues/events{/number}',
  issues_url: '/issues{/number}',
  keys_url: '/keys{/key_id}',
  labels_url: '/labels{/name}',
  languages_url: '/languages',
  merges_url: '/merges',
  milestones_url: '/milestones{/number}',
  notifications_url: '/notifications{?since,all,participating}',
  pulls_url: '/pulls{/number}',
  releases_url: '/releases{/id}',
  stargazers_url: '/stargazers',
  statuses_url: '/statuses/{sha}',
  subscribers_url: '/subscribers',
  subscription_url: '/subscription',
  tags_url: '/tags',
  teams_url: '/teams',
  trees_url: '/git/trees{/sha}',
} as const;

export function rolePermissions(role: Role | undefined) {
  const at = ['read', 'triage', 'write', 'maintain', 'admin'].indexOf(role ?? '');
  return { admin: at >= 4, maintain: at >= 3, push: at >= 2, triage: at >= 1, pull: at >= 0 };
}

export function repositoryShape(hub: Hub, repo: Repository) {
  const urls = Object.fromEntries(Object.entries(URLS).map(([key, path]) => [key, repoUrl(hub, repo, path)]));
  const openIssues = hub.db.filter(
    'issues',
    (one) => one.repository_id === repo.id && one.state === 'open',
  ).length;
  const forks = hub.db.filter('repositories', (one) => one.fork_of === repo.id).length;
  const clone = `${htmlUrl(hub, repo)}.git`;
  return {
    id: repo.id,
    node_id: nodeId('Repository', repo.id),
    name: repo.name,
    full_name: `${repo.owner}/${repo.name}`,
    private: repo.private,
    owner: userShape(hub, repo.owner),
    html_url: htmlUrl(hub, repo),
    description: repo.description,
    fork: repo.fork_of !== undefined,
    url: repoUrl(hub, repo),
    ...urls,
    git_url: clone,
    ssh_url: clone,
    clone_url: clone,
    svn_url: htmlUrl(hub, repo),
    mirror_url: null,
    homepage: null,
    language: null,
    size: 0,
    stargazers_count: 0,
    watchers_count: 0,
    forks_count: forks,
    open_issues_count: openIssues,
    forks,
    open_issues: openIssues,
    watchers: 0,
    default_branch: repo.default_branch,
    is_template: false,
    topics: [],
    custom_properties: {},
    has_issues: true,
    has_projects: false,
    has_wiki: false,
    has_pages: false,
    has_downloads: false,
    has_discussions: false,
    archived: repo.archived ?? false,
    disabled: false,
    visibility: repo.private ? 'private' : 'public',
    license: null,
    web_commit_signoff_required: false,
    allow_forking: repo.private ? (repo.allow_forking ?? false) : true,
    allow_merge_commit: true,
    allow_squash_merge: true,
    allow_rebase_merge: true,
    allow_auto_merge: false,
    delete_branch_on_merge: repo.delete_branch_on_merge ?? false,
    pushed_at: repo.pushed_at,
    created_at: repo.created_at,
    updated_at: repo.pushed_at,
  };
}
