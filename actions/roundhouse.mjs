#!/usr/bin/env node
// The committed bin: the bundle where it is at least as new as the sources, else the sources through tsx.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('./cli.ts', import.meta.url));
const isCheckout = existsSync(source);
const bundled = !isCheckout || (await import('../scripts/fresh.mjs')).isFresh();

if (bundled) {
  await import('../dist/cli.js');
} else {
  const child = spawnSync(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), source, ...process.argv.slice(2)],
    { stdio: 'inherit' },
  );
  process.exit(child.status ?? (child.signal === 'SIGINT' ? 130 : 3));
}
