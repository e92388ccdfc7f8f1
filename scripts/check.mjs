// All checks in one command: format and lint, types, layers, unused code, build. Prints one line each.
import { spawnSync } from 'node:child_process';

const checks = [
  ['format and lint', 'biome', ['check', '.']],
  ['types', 'tsc', ['--noEmit', '-p', '.']],
  ['layers', process.execPath, ['scripts/layers.mjs']],
  ['unused', 'knip', ['--no-progress']],
  ['build', process.execPath, ['scripts/build.mjs']],
];

let failed = 0;
for (const [name, command, args] of checks) {
  const isNode = command === process.execPath;
  const run = spawnSync(isNode ? command : `node_modules/.bin/${command}`, args, { encoding: 'utf8' });
  const ok = run.status === 0;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}`);
  if (ok) continue;
  failed += 1;
  console.log(`${run.stdout}\n${run.stderr}`.trim());
}
console.log(`\n${checks.length - failed} checks passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
