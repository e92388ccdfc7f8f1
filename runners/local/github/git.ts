import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

type GitObject = { oid: string; type: 'blob' | 'tree' | 'commit' | 'tag'; size: number };
type GitContent = GitObject & { content: Buffer };
type GitResult = { code: number; stdout: Buffer; stderr: string };

/** One bare repository. `read` and `info` go through one long-lived `git cat-file`, the rest spawns. */
export type Git = {
  path: string;
  run(
    args: string[],
    options?: { input?: string | Buffer; env?: Record<string, string> },
  ): Promise<GitResult>;
  /** Standard output without its last newline; a non-zero exit throws. */
  text(args: string[], options?: { input?: string | Buffer; env?: Record<string, string> }): Promise<string>;
  info(name: string): Promise<GitObject | undefined>;
  read(name: string): Promise<GitContent | undefined>;
  close(): void;
};

/** Only what is named here reaches git: a person's own configuration must not change what the server does. */
const GIT_ENV = {
  PATH: process.env.PATH ?? '',
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
};

export function gitEnvironment(more: Record<string, string> = {}): Record<string, string> {
  return { ...GIT_ENV, ...more };
}

export function openGit(path: string): Git {
  const reader = catFile(path);
  async function run(
    args: string[],
    options: { input?: string | Buffer; env?: Record<string, string> } = {},
  ): Promise<GitResult> {
    const child = spawn('git', args, { cwd: path, env: gitEnvironment(options.env), stdio: 'pipe' });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    const code = await new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status) => resolve(status ?? 128));
    });
    return { code, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() };
  }
  async function text(
    args: string[],
    options: { input?: string | Buffer; env?: Record<string, string> } = {},
  ) {
    const result = await run(args, options);
    if (result.code !== 0)
      throw new Error(`git ${args[0]} ended with ${result.code}: ${result.stderr.trim()}`);
    return result.stdout.toString().replace(/\n$/, '');
  }
  return { path, run, text, info: reader.info, read: reader.read, close: reader.close };
}

type Waiting = {
  wants: 'info' | 'contents';
  done(found: GitContent | undefined): void;
  failed(error: Error): void;
};

/** Speaks `git cat-file --batch-command`: answers come in the order of the questions. */
function catFile(path: string) {
  let child: ReturnType<typeof start> | undefined;
  let waiting: Waiting[] = [];
  let pending: Buffer = Buffer.alloc(0);

  function start() {
    const started = spawn('git', ['cat-file', '--batch-command'], {
      cwd: path,
      env: gitEnvironment(),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    started.stdout.on('data', (chunk: Buffer) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      take();
    });
    started.stdin.on('error', () => undefined);
    started.on('error', (error) => fail(started, error));
    started.on('close', () => fail(started, new Error('git cat-file ended')));
    return started;
  }
  function fail(ended: unknown, error: Error) {
    if (child !== ended) return;
    child = undefined;
    pending = Buffer.alloc(0);
    const unanswered = waiting;
    waiting = [];
    for (const one of unanswered) one.failed(error);
  }
  function take() {
    for (let first = waiting[0]; first; first = waiting[0]) {
      const end = pending.indexOf(10);
      if (end < 0) return;
      const line = pending.subarray(0, end).toString();
      const header = /^([0-9a-f]{40}) (blob|tree|commit|tag) (\d+)$/.exec(line);
      if (!header) {
        pending = pending.subarray(end + 1);
        waiting.shift();
        first.done(undefined);
        continue;
      }
      const size = Number(header[3]);
      const length = first.wants === 'contents' ? size + 1 : 0;
      if (pending.length < end + 1 + length) return;
      const content = Buffer.from(pending.subarray(end + 1, end + 1 + Math.max(0, length - 1)));
      pending = pending.subarray(end + 1 + length);
      waiting.shift();
      first.done({ oid: header[1] as string, type: header[2] as GitObject['type'], size, content });
    }
  }
  function ask(wants: Waiting['wants'], name: string): Promise<GitContent | undefined> {
    // A newline would be a second command.
    if (name === '' || /[\n\0]/.test(name)) return Promise.resolve(undefined);
    child ??= start();
    const { stdin } = child;
    return new Promise((done, failed) => {
      waiting.push({ wants, done, failed });
      stdin.write(`${wants} ${name}\n`);
    });
  }
  return {
    info: (name: string): Promise<GitObject | undefined> => ask('info', name),
    read: (name: string) => ask('contents', name),
    close() {
      const ended = child;
      child = undefined;
      ended?.stdin.end();
      ended?.kill();
    },
  };
}

/** GitHub docs, repositories/working-with-files/managing-large-files/about-large-files-on-github. */
const MAX_BLOB_BYTES = 100 * 1024 ** 2;

/** Hooks shared by all repositories: see git-http.ts for the variables they read. */
const PRE_RECEIVE = `#!/bin/sh
if [ -n "$ROUNDHOUSE_REFUSED" ]; then printf '%s\\n' "$ROUNDHOUSE_REFUSED" >&2; exit 1; fi
set -f
updates=$(cat)
tips=$(printf '%s\\n' "$updates" | while read -r old new ref; do case $new in *[!0]*) echo "$new" ;; esac; done)
if [ -n "$tips" ]; then
  large=$(git rev-list --objects $tips --not --all | git cat-file --batch-check='%(objecttype) %(objectsize) %(rest)' |
    awk '$1 == "blob" && $2 > ${MAX_BLOB_BYTES} { size = $2 / 1048576; sub(/^[^ ]+ [^ ]+ /, ""); printf "File %s is %.2f MB; this exceeds GitHub\\047s file size limit of 100.00 MB\\n", $0, size }')
  if [ -n "$large" ]; then
    printf '%s\\n' "$large" 'GH001: Large files detected. You may want to try Git Large File Storage - https://git-lfs.github.com.' >&2
    exit 1
  fi
fi
for forward in $ROUNDHOUSE_FORWARD; do
  printf '%s\\n' "$updates" | while read -r old new ref; do
    [ "$ref" = "$forward" ] || continue
    case $old in *[!0]*) ;; *) continue ;; esac
    case $new in *[!0]*) ;; *) continue ;; esac
    git merge-base --is-ancestor "$old" "$new" && continue
    printf 'GH013: Repository rule violations found for %s.\\n- %s\\n' "$ref" "$ROUNDHOUSE_FORCED" >&2
    exit 1
  done || exit 1
done
[ "$ROUNDHOUSE_WORKFLOWS" = refused ] || exit 0
heads=$(git for-each-ref --format='%(objectname)' refs/heads)
printf '%s\\n' "$updates" | while read -r old new ref; do
  case $new in *[!0]*) ;; *) continue ;; esac
  tree=$(git rev-parse --verify --quiet "$new^{commit}:.github/workflows") || continue
  known=
  for head in $heads; do
    if [ "$(git rev-parse --verify --quiet "$head:.github/workflows")" = "$tree" ]; then known=yes; break; fi
  done
  [ -n "$known" ] && continue
  path=$(git ls-tree -r --name-only "$new^{commit}" .github/workflows | head -n 1)
  echo "refusing to allow a GitHub App to create or update workflow \\\`$path\\\` without \\\`workflows\\\` permission" >&2
  exit 1
done
`;
const POST_RECEIVE = `#!/bin/sh
cat > "$ROUNDHOUSE_PUSHED"
`;

export async function writeHooks(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'pre-receive'), PRE_RECEIVE, { mode: 0o755 });
  await writeFile(join(folder, 'post-receive'), POST_RECEIVE, { mode: 0o755 });
}

export async function initRepository(path: string, branch: string): Promise<void> {
  await mkdir(path, { recursive: true });
  const git = openGit(path);
  await git.text(['init', '--bare', '--quiet', `--initial-branch=${branch}`, '.']);
  for (const [key, value] of [
    ['http.receivepack', 'true'],
    ['uploadpack.allowAnySHA1InWant', 'true'],
    ['uploadpack.allowFilter', 'true'],
    ['gc.auto', '0'],
    ['receive.autogc', 'false'],
    ['core.logAllRefUpdates', 'false'],
  ] as const) {
    await git.text(['config', key, value]);
  }
  git.close();
}
