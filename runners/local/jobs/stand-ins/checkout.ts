import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { childEnvironment, jobFrame, runInJob, workspacePath } from '../session.ts';
import { isTrue, refuseInputs, type StandInCall } from './stand-in.ts';

/** Plays actions/checkout: clones over HTTP from the local GitHub with the job's token. */
export async function checkout(call: StandInCall): Promise<void> {
  refuseInputs(call, ['ssh-key', 'submodules', 'lfs', 'sparse-checkout', 'filter']);
  const { session } = call;
  const { run } = session;
  const repository = call.input('repository') || `${run.repository.owner}/${run.repository.name}`;
  const token = call.input('token') || session.token;
  const folder = workspacePath(session, call.input('path') || '.');
  const header = `AUTHORIZATION: basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
  session.masks.add(token);

  mkdirSync(folder, { recursive: true });
  if (isTrue(call.input('clean'), true)) {
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
  }
  const git = (...args: string[]) => runGit(call, { folder, header, args });
  const depth = Number(call.input('fetch-depth') || '1');
  const depthArgs = depth > 0 ? [`--depth=${depth}`, '--no-tags'] : ['--tags'];

  session.log.line(`Fetching ${repository}`);
  await git('-c', 'init.defaultBranch=main', 'init', '--quiet', '.');
  await git('remote', 'add', 'origin', `${run.server_url}/${repository}.git`);
  const ref = call.input('ref') || (repository === session.contexts.github.repository ? run.sha : 'HEAD');
  if (depth === 0)
    await git('fetch', '--quiet', ...depthArgs, 'origin', '+refs/heads/*:refs/remotes/origin/*');
  const fetched = await fetchRef({ git, ref, run, depthArgs });
  await git('checkout', '--quiet', '--force', ...fetched);
  const commit = (await git('rev-parse', 'HEAD')).join('').trim();
  session.log.line(`HEAD is now at ${commit}`);
  call.output('commit', commit);
  call.output('ref', call.input('ref') || run.ref);

  if (!isTrue(call.input('persist-credentials'), true)) return;
  const key = `http.${run.server_url}/.extraheader`;
  await git('config', '--local', key, header);
  call.afterwards(async () => {
    await runGit(
      { ...call, signal: session.end },
      { folder, header, args: ['config', '--local', '--unset-all', key] },
    );
  });
}

/** Fetches a branch, tag, full ref or commit; answers the arguments of `git checkout`. */
async function fetchRef(input: {
  git: (...args: string[]) => Promise<string[]>;
  ref: string;
  run: StandInCall['session']['run'];
  depthArgs: string[];
}): Promise<string[]> {
  const { git, run, depthArgs } = input;
  const ref = input.ref.replace(/^refs\/heads\//, '');
  const fetch = (refspec: string) => git('fetch', '--quiet', '--force', ...depthArgs, 'origin', refspec);
  if (/^[0-9a-f]{40}$/.test(ref) || ref === 'HEAD' || ref.startsWith('refs/')) {
    await fetch(ref);
    const onBranch = ref === run.sha && run.ref_type === 'branch' && run.ref.startsWith('refs/heads/');
    return onBranch ? ['-B', run.ref_name, 'FETCH_HEAD'] : ['--detach', 'FETCH_HEAD'];
  }
  const found = (await git('ls-remote', 'origin', `refs/heads/${ref}`, `refs/tags/${ref}`)).join('\n');
  if (found.includes(`refs/heads/${ref}`)) {
    await fetch(`+refs/heads/${ref}:refs/remotes/origin/${ref}`);
    return ['-B', ref, `refs/remotes/origin/${ref}`];
  }
  if (!found.includes(`refs/tags/${ref}`))
    throw new Error(`A branch or tag with the name '${ref}' could not be found`);
  await fetch(`+refs/tags/${ref}:refs/tags/${ref}`);
  return ['--detach', `refs/tags/${ref}`];
}

/** The credential travels in the environment: a command line can be read by every process. */
async function runGit(
  call: StandInCall,
  input: { folder: string; header: string; args: string[] },
): Promise<string[]> {
  const { session } = call;
  const lines: string[] = [];
  const env = {
    ...childEnvironment(session, jobFrame(session), {}),
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: `http.${session.run.server_url}/.extraheader`,
    GIT_CONFIG_VALUE_0: input.header,
    GIT_CONFIG_KEY_1: 'safe.directory',
    GIT_CONFIG_VALUE_1: input.folder,
  };
  const result = await runInJob(session, {
    command: 'git',
    args: input.args,
    cwd: input.folder,
    env,
    signal: call.signal,
    onLine: (line) => lines.push(line),
  });
  if (result.code === 0) return lines;
  for (const line of lines) session.log.line(line);
  throw new Error(
    `git ${input.args.find((arg) => !arg.startsWith('-'))} failed with exit code ${result.code}`,
  );
}
