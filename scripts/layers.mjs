// Holds the imports against the layers of docs/architecture.md. A run that saw no module would say "no violations" too, so the
// number of modules is asserted.
import { spawnSync } from 'node:child_process';

const MINIMUM_MODULES = 60;
const folders = ['lib', 'app', 'actions', 'runners', 'templates'];
const run = spawnSync(
  'node_modules/.bin/depcruise',
  ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...folders],
  {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  },
);
if (!run.stdout) {
  console.error(run.stderr);
  process.exit(1);
}
const { summary } = JSON.parse(run.stdout);
for (const { rule, from, to } of summary.violations)
  console.log(`${rule.severity} ${rule.name}: ${from} -> ${to}`);
console.log(
  `${summary.totalCruised} modules, ${summary.totalDependenciesCruised} imports, ${summary.error} errors`,
);
if (summary.totalCruised < MINIMUM_MODULES) {
  console.error(`only ${summary.totalCruised} modules were seen: the check itself is broken`);
  process.exit(1);
}
process.exit(summary.error === 0 ? 0 : 1);
