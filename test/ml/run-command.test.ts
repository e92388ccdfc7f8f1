import { expect, it } from 'vitest';
import { runCommand } from '#lib/ml/run-command.ts';

it('keeps the beginning of a line that never ends', { timeout: 120_000 }, async () => {
  const lines: string[] = [];
  // More than one string can hold.
  const program = `
    const piece = Buffer.alloc(2 ** 20, 120);
    const write = (left) => left === 0 ? process.stdout.write('\\nend\\n') : process.stdout.write(piece, () => write(left - 1));
    write(600);
  `;
  await runCommand({
    command: [process.execPath, '-e', program],
    cwd: '.',
    env: {},
    timeoutMs: 100_000,
    onLine: (line) => void lines.push(line),
  });
  expect(lines).toEqual(['x'.repeat(500), 'end']);
});
