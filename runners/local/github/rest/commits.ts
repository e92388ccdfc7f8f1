import { type FileDiff, pullFiles } from '../diff.ts';
import { type Answer, type Endpoint, list, ok, page, type RepoCall, repo } from '../endpoint.ts';
import { isPull } from '../hub.ts';
import { isAncestor } from '../merge.ts';
import { notFound, Refusal } from '../refusal.ts';
import { htmlUrl, repoUrl } from '../shapes/account.ts';
import { commitShape, listCommits, readCommit } from '../shapes/commit.ts';
import { pullShape } from '../shapes/issue.ts';
import { checksOfRef, combinedStatus, statusesOfRef } from './checks.ts';
import { resolveCommit } from './contents.ts';
import { suitesOfCommit } from './suites.ts';

export const commits: Endpoint[] = [
  repo('GET /commits', 'contents=read', listHistory),
  repo('GET /commits/*', 'contents=read; checks=read; statuses=read; pull_requests=read', ofCommit),
  repo('GET /compare/*', 'contents=read', compare),
];

async function listHistory(call: RepoCall): Promise<Answer> {
  const { hub, query } = call;
  const git = hub.git(call.repo);
  const sha = await resolveCommit(hub, call.repo, query.sha);
  if (!sha) throw new Refusal(query.sha ? 404 : 409, query.sha ? 'Not Found' : 'Git Repository is empty.');
  const filters = [
    ...(query.since ? [`--since=${query.since}`] : []),
    ...(query.until ? [`--until=${query.until}`] : []),
    ...(query.author ? [`--author=${query.author}`] : []),
  ];
  const path = query.path ? ['--', query.path] : [];
  const rows = (await listCommits(git, [...filters, sha, ...path], 10_000)).reverse();
  return list(call, rows, (commit) => commitShape(hub, call.repo, commit));
}

const ENDINGS = {
  pulls: commitPulls,
  'check-runs': checksOfRef,
  'check-suites': suitesOfRef,
  status: combinedStatus,
  statuses: statusesOfRef,
};

async function suitesOfRef(call: RepoCall, ref: string): Promise<Answer> {
  const sha = await resolveCommit(call.hub, call.repo, ref);
  if (!sha) throw new Refusal(422, `No commit found for SHA: ${ref}`);
  return suitesOfCommit(call, sha);
}

/** A ref may hold slashes, so what follows it is told by the last part of the path. */
function ofCommit(call: RepoCall): Promise<Answer> {
  const path = call.params['*'] ?? '';
  const cut = path.lastIndexOf('/');
  const ending = path.slice(cut + 1);
  if (cut > 0 && Object.hasOwn(ENDINGS, ending)) {
    return ENDINGS[ending as keyof typeof ENDINGS](call, path.slice(0, cut));
  }
  return getCommit(call, path);
}

async function getCommit(call: RepoCall, ref: string): Promise<Answer> {
  const { hub } = call;
  const git = hub.git(call.repo);
  const sha = await resolveCommit(hub, call.repo, ref);
  const commit = sha && (await readCommit(git, sha));
  if (!commit) throw new Refusal(422, `No commit found for SHA: ${ref}`);
  if (/vnd\.github(\.v3)?\.sha/.test(call.request.headers.accept ?? '')) {
    return { status: 200, body: commit.sha, headers: { 'content-type': 'application/vnd.github.sha' } };
  }
  const parent = commit.parents[0] ?? '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
  const files = await pullFiles(git, `${parent}..${commit.sha}`);
  const { items, headers } = page({ ...call, query: { per_page: '100', ...call.query } }, files, (file) =>
    fileShape(call, commit.sha, file),
  );
  const additions = files.reduce((sum, file) => sum + file.additions, 0);
  const deletions = files.reduce((sum, file) => sum + file.deletions, 0);
  const stats = { total: additions + deletions, additions, deletions };
  return ok({ ...commitShape(hub, call.repo, commit), stats, files: items }, headers);
}

function fileShape(call: RepoCall, sha: string, file: FileDiff) {
  const path = file.filename.split('/').map(encodeURIComponent).join('/');
  return {
    ...file,
    blob_url: htmlUrl(call.hub, call.repo, `/blob/${sha}/${path}`),
    raw_url: htmlUrl(call.hub, call.repo, `/raw/${sha}/${path}`),
    contents_url: repoUrl(call.hub, call.repo, `/contents/${path}?ref=${sha}`),
  };
}

/** Merged pull requests that brought a commit, and open ones that hold it. */
async function commitPulls(call: RepoCall, ref: string): Promise<Answer> {
  const { hub } = call;
  const git = hub.git(call.repo);
  const sha = await resolveCommit(hub, call.repo, ref);
  if (!sha) throw new Refusal(422, `No commit found for SHA: ${ref}`);
  const pulls = hub.db.filter('issues', (one) => one.repository_id === call.repo.id).filter(isPull);
  const holds = await Promise.all(
    pulls.map(
      async ({ pull }) =>
        (pull.merged_at !== null && pull.merge_commit_sha === sha) ||
        ((await isAncestor(git, sha, pull.head_sha)) && !(await isAncestor(git, sha, pull.base_sha))),
    ),
  );
  const rows = pulls.filter((_, at) => holds[at]);
  return list(call, rows, (one) => pullShape(hub, call.repo, one));
}

const MAX_COMPARED = 250;

async function compare(call: RepoCall): Promise<Answer> {
  const { hub } = call;
  const git = hub.git(call.repo);
  const [from = '', to = ''] = (call.params['*'] ?? '').split('...', 2);
  const strip = (name: string) => name.replace(`${call.repo.owner}:`, '');
  const base = await resolveCommit(hub, call.repo, strip(from));
  const head = await resolveCommit(hub, call.repo, strip(to));
  const [baseCommit, headCommit] = [
    base && (await readCommit(git, base)),
    head && (await readCommit(git, head)),
  ];
  if (!baseCommit || !headCommit) throw notFound();
  const common = await git.run(['merge-base', baseCommit.sha, headCommit.sha]);
  if (common.code !== 0) throw new Refusal(404, `No common ancestor between ${from} and ${to}.`);
  const middle = await readCommit(git, common.stdout.toString().trim());
  const count = async (range: string) => Number(await git.text(['rev-list', '--count', range]));
  const [ahead_by, behind_by] = [
    await count(`${baseCommit.sha}..${headCommit.sha}`),
    await count(`${headCommit.sha}..${baseCommit.sha}`),
  ];
  const status =
    ahead_by > 0 ? (behind_by > 0 ? 'diverged' : 'ahead') : behind_by > 0 ? 'behind' : 'identical';
  const commitRows = await listCommits(git, [headCommit.sha, `^${baseCommit.sha}`], MAX_COMPARED);
  const files = await pullFiles(git, `${baseCommit.sha}...${headCommit.sha}`);
  const path = `/compare/${baseCommit.sha}...${headCommit.sha}`;
  return ok({
    url: repoUrl(hub, call.repo, path),
    html_url: htmlUrl(hub, call.repo, path),
    permalink_url: htmlUrl(hub, call.repo, path),
    diff_url: htmlUrl(hub, call.repo, `${path}.diff`),
    patch_url: htmlUrl(hub, call.repo, `${path}.patch`),
    base_commit: commitShape(hub, call.repo, baseCommit),
    merge_base_commit: middle ? commitShape(hub, call.repo, middle) : null,
    status,
    ahead_by,
    behind_by,
    total_commits: ahead_by,
    commits: commitRows.map((commit) => commitShape(hub, call.repo, commit)),
    files: files.slice(0, 300).map((file) => fileShape(call, headCommit.sha, file)),
  });
}
