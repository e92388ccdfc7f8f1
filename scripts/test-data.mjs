// The whole demo on real data sets, one after the other: `npm run test:data [-- NAME ...]`. Digits ship with the
// package. Others are looked for in the folder that ROUNDHOUSE_DATA names; two come from Python's scikit-learn
// where it is installed. What is absent is skipped and said.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './fresh.mjs';

const folder = process.env.ROUNDHOUSE_DATA ?? '';
const scratch = mkdtempSync(join(tmpdir(), 'roundhouse-test-data-'));

/** `holds` says what is wrong with a report, or nothing. */
const sets = [
  {
    name: 'digits',
    file: () => join(root, 'test', 'data-sets', 'digits_8x8.csv.gz'),
    args: ['--target', 'label', '--task', 'multiclass', '--name', 'digits'],
    holds: ({ versions, holdout }) => [
      ...(versions.length >= 1 ? [] : ['no version was registered']),
      ...(accuracyOf(holdout) > 0.8 ? [] : [`the holdout's accuracy is ${accuracyOf(holdout)}`]),
    ],
  },
  {
    name: 'beijing',
    file: () => join(folder, 'beijing_pm25', 'PRSA_data_2010.1.1-2014.12.31.csv'),
    args: ['--target', 'pm2.5', '--time', 'year,month,day,hour', '--name', 'beijing'],
    // Year on year there is drift of the season and no decay.
    holds: ({ versions, windows }) => [
      ...(versions.length >= 1 ? [] : ['no version was registered']),
      ...windows
        .filter(({ decision }) => decision === 'open')
        .map(({ name }) => `a trigger opened after ${name}`),
    ],
  },
  {
    name: 'flights',
    file: () => join(folder, 'flights_3m', 'flights-first-1m.csv.gz'),
    args: ['--target', 'delay', '--time', 'date', '--name', 'flights', '--sample', '10000'],
    holds: () => [],
  },
  {
    name: 'breast-cancer',
    file: () => fromPython('load_breast_cancer'),
    args: ['--target', 'target', '--task', 'binary', '--positive', '1', '--name', 'breast-cancer'],
    holds: ({ versions }) => (versions.length >= 1 ? [] : ['no version was registered']),
  },
  {
    name: 'diabetes',
    file: () => fromPython('load_diabetes'),
    args: ['--target', 'target', '--name', 'diabetes'],
    holds: () => [],
  },
];

function accuracyOf(holdout) {
  return holdout.find(({ metric }) => metric === 'accuracy')?.estimate ?? Number.NaN;
}

/** A data set that ships with scikit-learn, as CSV; a path that is not there where Python has none. */
function fromPython(load) {
  const path = join(scratch, `${load}.csv`);
  const program = [
    'import csv, sys, sklearn.datasets as d',
    `b = d.${load}()`,
    'w = csv.writer(open(sys.argv[1], "w", newline=""))',
    'w.writerow([*b.feature_names, "target"])',
    'w.writerows([*x, y] for x, y in zip(b.data.tolist(), b.target.tolist()))',
  ].join('\n');
  for (const python of ['python3', '/usr/bin/python3']) {
    if (spawnSync(python, ['-c', program, path]).status === 0) break;
    rmSync(path, { force: true });
  }
  return path;
}

async function play({ name, args, holds }, file) {
  const dir = join(scratch, name);
  const cli = join(root, 'actions', 'roundhouse.mjs');
  const child = spawn(
    process.execPath,
    [cli, 'demo', '--data', file, ...args, '--ci', '--json', '--dir', dir],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const said = { out: '', error: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (said.error += text));
  const code = await new Promise((ended) => child.on('close', ended));
  rmSync(dir, { recursive: true, force: true });
  if (code !== 0) return { faults: [`exit ${code}`, said.error.slice(-3000)], report: null };
  const report = JSON.parse(said.out);
  return { faults: holds(report), report };
}

function summaryOf({ task, rows, versions, windows, retraining, seconds }) {
  const opened = windows.filter(({ decision }) => decision === 'open').length;
  return `${task}, ${rows} rows, versions ${versions.join(' ') || 'none'}, ${opened} of ${windows.length} windows opened a retraining, retraining ${retraining?.verdict ?? 'none'}, ${seconds} s`;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !sets.some((set) => set.name === name));
if (unknown.length > 0) {
  console.error(
    `no such data set: ${unknown.join(', ')}; there are ${sets.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}
let failed = 0;
try {
  for (const set of sets.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    const file = set.file();
    if (!existsSync(file)) {
      console.log(
        `skip ${set.name}: ${file} is not there (ROUNDHOUSE_DATA names the folder of the data sets)`,
      );
      continue;
    }
    const { faults, report } = await play(set, file);
    if (faults.length > 0) failed += 1;
    console.log(`${faults.length === 0 ? 'ok  ' : 'FAIL'} ${set.name}: ${report ? summaryOf(report) : ''}`);
    for (const fault of faults) console.log(`     ${fault}`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.exit(failed === 0 ? 0 : 1);
