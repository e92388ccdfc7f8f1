import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf, hexOf } from '#lib/formats/digest.ts';
import { openFileStore } from '#lib/store/file.ts';

const WRITER = `
import { openFileStore } from ${JSON.stringify(new URL('../../lib/store/file.ts', import.meta.url).href)};
const store = openFileStore(process.argv[1]);
for (let number = 0; ; number += 1) {
  console.log(await store.put(Buffer.alloc(2_000_000, String(number))));
}
`;

test('a writer that is killed leaves whole objects only, and all that it told are there', async () => {
  const root = mkdtempSync(join(tmpdir(), 'roundhouse-killed-'));
  const writer = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', WRITER, root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const told: string[] = [];
    for await (const chunk of writer.stdout) {
      told.push(...String(chunk).trim().split('\n'));
      if (told.length >= 5) break;
    }
    const gone = once(writer, 'exit');
    writer.kill('SIGKILL');
    await gone;
    const store = openFileStore(root);
    for (const digest of told) await store.get(digest as `sha256:${string}`);
    const objects = readdirSync(join(root, 'sha256'), { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile() && !entry.name.startsWith('.draft-'),
    );
    expect(objects.length).toBeGreaterThanOrEqual(told.length);
    for (const { parentPath, name } of objects)
      expect(hexOf(digestOf(readFileSync(join(parentPath, name))))).toBe(name);
  } finally {
    writer.kill('SIGKILL');
    rmSync(root, { recursive: true, force: true });
  }
});
