import { type Check, fail, ok, skip, warn } from './doctor.ts';

export type MachineFacts = {
  /** `20.19.0` */
  node: string;
  /** Null where there is no git. */
  git: string | null;
  packages: PackageFact[];
  folders: FolderFact[];
  /** Variables ROUNDHOUSE_STORE_<NAME> and ROUNDHOUSE_LOGS_<NAME> that nothing reads. */
  unreadVariables: string[];
  ports: { port: number; serves: string; free: boolean }[];
  clock: { server: string; skewSeconds: number } | { unread: string };
  config: ConfigFact | null;
  workflows: WorkflowFact[];
};

export type PackageFact = {
  name: string;
  serves: string;
  optional: boolean;
  state: { kind: 'loads'; version: string } | { kind: 'absent' } | { kind: 'broken'; why: string };
};

export type FolderFact = {
  name: string;
  /** Where its address comes from. */
  source: string;
  state: { kind: 'writable'; path: string; freeBytes: number } | { kind: 'refused'; why: string };
};

/** The policy and every model of a checkout. `faults` are `file:line:column: what`. */
export type ConfigFact = { models: string[]; faults: string[] };

/** A generated workflow file beside what this package would write. `pins` are commits of roundhouse/roundhouse. */
export type WorkflowFact = {
  path: string;
  state: 'missing' | 'same' | 'different';
  pins: string[];
};

export function checkMachine(facts: MachineFacts): Check[] {
  return [
    checkNode(facts.node),
    checkGit(facts.git),
    ...facts.packages.map(checkPackage),
    ...facts.folders.map(checkFolder),
    ...facts.unreadVariables.map((name) =>
      warn(name, 'nothing reads it: the one store and the one log are called MAIN', `unset ${name}`),
    ),
    ...facts.ports.map(({ port, serves, free }) =>
      free
        ? ok(`port ${port}`, `free for ${serves}`)
        : warn(
            `port ${port}`,
            `taken, which is right only if ${serves} runs already`,
            'give another with --port (0 = any)',
          ),
    ),
    checkClock(facts.clock),
    checkConfig(facts.config),
    ...(facts.config === null ? [] : checkWorkflows(facts.workflows)),
  ];
}

const MIN_NODE = [20, 19];

function checkNode(version: string): Check {
  if (atLeast(version, MIN_NODE)) return ok('node', version);
  return fail('node', `${version} is older than ${MIN_NODE.join('.')}`, 'install Node 24 or 22');
}

/** `git merge-tree --write-tree` came with 2.38. */
const MIN_GIT = [2, 38];

function checkGit(version: string | null): Check {
  if (version === null) return fail('git', 'there is no git', 'install git 2.38 or newer');
  if (atLeast(version, MIN_GIT)) return ok('git', version);
  return warn(
    'git',
    `${version} is older than ${MIN_GIT.join('.')}`,
    'install a newer one: the local GitHub merges with it',
  );
}

function atLeast(version: string, [major = 0, minor = 0]: number[]): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

function checkPackage({ name, serves, optional, state }: PackageFact): Check {
  if (state.kind === 'loads') return ok(name, `${state.version}, ${serves}`);
  if (state.kind === 'absent') {
    if (optional) return ok(name, `not installed, which is normal: ${serves}`);
    return fail(name, `not installed: ${serves}`, 'run `npm ci` in the installation of Roundhouse');
  }
  const fix = 'run `npm ci` on this machine: what was installed may be for another platform';
  const found = `installed and does not load: ${state.why}`;
  return optional ? warn(name, found, fix) : fail(name, found, fix);
}

const SCARCE_BYTES = 100e6;
const LITTLE_BYTES = 2e9;

function checkFolder({ name, source, state }: FolderFact): Check {
  if (state.kind === 'refused') return fail(name, `${source}: ${state.why}`, fixOfFolder(source));
  const found = `${state.path} (${source}), ${gigabytes(state.freeBytes)} GB free`;
  if (state.freeBytes < SCARCE_BYTES) return fail(name, found, 'free space, or move it to another disk');
  if (state.freeBytes < LITTLE_BYTES) return warn(name, found, 'data, models and reports grow: give it more');
  return ok(name, found);
}

function fixOfFolder(source: string): string {
  return source.startsWith('ROUNDHOUSE_')
    ? `set ${source} to a folder that this user may write: file:///absolute/path`
    : 'let this user write there, or work in another folder';
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}

/** GitHub refuses a token that an app signed more than 60 s in the future. */
const MAX_SKEW_SECONDS = 60;
const NOTABLE_SKEW_SECONDS = 10;

function checkClock(clock: MachineFacts['clock']): Check {
  if ('unread' in clock) return skip('clock', clock.unread);
  const { server, skewSeconds } = clock;
  const size = Math.abs(skewSeconds);
  const found = `${size.toFixed(0)} s ${skewSeconds >= 0 ? 'ahead of' : 'behind'} ${server}`;
  if (size > MAX_SKEW_SECONDS)
    return fail(
      'clock',
      found,
      'synchronise this clock (NTP): tokens are valid for minutes, and approvals expire',
    );
  if (size > NOTABLE_SKEW_SECONDS) return warn('clock', found, 'synchronise this clock (NTP)');
  return ok('clock', size < 1.5 ? `agrees with ${server}` : found);
}

function checkConfig(config: ConfigFact | null): Check {
  if (config === null)
    return skip(
      'configuration',
      'no .github/roundhouse.yml here',
      'run it in the root of a repository, or `roundhouse init` first',
    );
  const { models, faults } = config;
  if (faults.length > 0) return fail('configuration', faults.join('\n'), 'change these lines');
  return ok(
    'configuration',
    `the policy and ${models.length} model${models.length === 1 ? '' : 's'} parse${models.length > 0 ? `: ${models.join(', ')}` : ''}`,
  );
}

/** Also asked of the files on GitHub's default branch. */
export function checkWorkflows(files: readonly WorkflowFact[]): Check[] {
  const missing = files.filter(({ state }) => state === 'missing').map(({ path }) => path);
  const different = files.filter(({ state }) => state === 'different').map(({ path }) => path);
  const pins = [...new Set(files.flatMap((file) => file.pins))];
  const again =
    'move these files away and run `roundhouse init`: it writes what is missing and keeps the rest';
  return [
    ...(missing.length > 0 ? [fail('workflow files', `missing: ${missing.join(', ')}`, again)] : []),
    ...(different.length > 0
      ? [
          warn(
            'workflow templates',
            `not as this version writes them: ${different.join(', ')}`,
            `compare, and ${again}`,
          ),
        ]
      : []),
    ...(pins.length > 1
      ? [
          fail(
            'workflow pins',
            `several commits of roundhouse/roundhouse: ${pins.map(short).join(', ')}`,
            'pin one: stages of two versions need not understand each other',
          ),
        ]
      : []),
    ...(missing.length + different.length === 0 && pins.length === 1
      ? [
          ok(
            'workflow files',
            `${files.length} as this version writes them, pinned to ${short(pins[0] ?? '')}`,
          ),
        ]
      : []),
  ];
}

function short(sha: string): string {
  return sha.slice(0, 12);
}
