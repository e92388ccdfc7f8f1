#!/usr/bin/env node
// The committed bin: runs the bundle when it is built and not older than the sources' build, else the sources through tsx.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const bundle = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const source = fileURLToPath(new URL('./cli.ts', import.meta.url));
const isCheckout = existsSync(source);

if (!isCheckout) {
  await import(bundle);
} else {
  const tsx = import.meta.resolve('tsx');
  const child = spawnSync(process.execPath, ['--import', tsx, source, ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  process.exit(child.status ?? (child.signal === 'SIGINT' ? 130 : 3));
}
