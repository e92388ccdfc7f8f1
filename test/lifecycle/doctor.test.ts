import { expect, test } from 'vitest';
import { type Check, worstFirst } from '../../lib/lifecycle/doctor.ts';
import { checkMachine, type MachineFacts } from '../../lib/lifecycle/doctor-machine.ts';

const SHA = 'a'.repeat(40);
const FILE = { path: '.github/workflows/roundhouse.yml', state: 'same' as const, pins: [SHA] };
const HEALTHY: MachineFacts = {
  node: '24.3.0',
  git: '2.39.5',
  packages: [
    { name: 'duck', serves: 'data', optional: false, state: { kind: 'loads', version: '1.0.0' } },
    { name: 'extra', serves: 'speed', optional: true, state: { kind: 'absent' } },
  ],
  folders: [
    {
      name: 'store',
      source: 'ROUNDHOUSE_STORE_MAIN',
      state: { kind: 'writable', path: '/s', freeBytes: 9e9 },
    },
  ],
  unreadVariables: [],
  ports: [{ port: 4440, serves: 'the local GitHub', free: true }],
  clock: { server: 'api.github.com', skewSeconds: 0.4 },
  config: { models: ['bikes'], faults: [] },
  workflows: [FILE],
};

/** What is not fine, as `status check`. */
function complaints(checks: Check[]): string[] {
  return worstFirst(checks)
    .filter(({ status }) => status !== 'ok')
    .map(({ status, check }) => `${status} ${check}`);
}

test('a machine that has all it needs', () => {
  expect(complaints(checkMachine(HEALTHY))).toEqual([]);
});

test.each<[string, Partial<MachineFacts>, string]>([
  ['an old Node', { node: '20.18.3' }, 'fail node'],
  ['no git', { git: null }, 'fail git'],
  ['an old git', { git: '2.34.1' }, 'warn git'],
  [
    'a package that does not load',
    { packages: [{ name: 'duck', serves: '', optional: false, state: { kind: 'broken', why: 'GLIBC' } }] },
    'fail duck',
  ],
  [
    'a package that is absent',
    { packages: [{ name: 'duck', serves: '', optional: false, state: { kind: 'absent' } }] },
    'fail duck',
  ],
  [
    'an optional package that does not load',
    { packages: [{ name: 'gpu', serves: '', optional: true, state: { kind: 'broken', why: 'CUDA' } }] },
    'warn gpu',
  ],
  [
    'a store that may not be written',
    {
      folders: [
        { name: 'store', source: 'ROUNDHOUSE_STORE_MAIN', state: { kind: 'refused', why: 'EACCES' } },
      ],
    },
    'fail store',
  ],
  [
    'a full disk',
    { folders: [{ name: 'store', source: 'x', state: { kind: 'writable', path: '/s', freeBytes: 1e6 } }] },
    'fail store',
  ],
  [
    'a disk that is nearly full',
    { folders: [{ name: 'store', source: 'x', state: { kind: 'writable', path: '/s', freeBytes: 1e9 } }] },
    'warn store',
  ],
  ['a variable that nothing reads', { unreadVariables: ['ROUNDHOUSE_STORE_EU'] }, 'warn ROUNDHOUSE_STORE_EU'],
  ['a taken port', { ports: [{ port: 4440, serves: 'it', free: false }] }, 'warn port 4440'],
  ['a clock two minutes ahead', { clock: { server: 'g', skewSeconds: 120 } }, 'fail clock'],
  ['a clock behind', { clock: { server: 'g', skewSeconds: -30 } }, 'warn clock'],
  ['a server out of reach', { clock: { unread: 'no answer' } }, 'skip clock'],
  ['no policy', { config: null }, 'skip configuration'],
  ['a fault in a file', { config: { models: [], faults: ['a.yml:1:1: no'] } }, 'fail configuration'],
  ['a missing workflow', { workflows: [{ ...FILE, state: 'missing', pins: [] }] }, 'fail workflow files'],
  ['a changed workflow', { workflows: [{ ...FILE, state: 'different' }] }, 'warn workflow templates'],
  ['two pins', { workflows: [FILE, { ...FILE, pins: ['b'.repeat(40)] }] }, 'fail workflow pins'],
])('%s', (_, broken, complaint) => {
  const checks = checkMachine({ ...HEALTHY, ...broken });
  expect(complaints(checks)).toEqual([complaint]);
  for (const { status, fix } of checks) if (status === 'fail' || status === 'warn') expect(fix).toBeTruthy();
});
