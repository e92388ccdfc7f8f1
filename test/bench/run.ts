import { readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Bench, BenchRow } from './row.ts';

const NOT_A_BENCH = ['run.ts', 'row.ts'];

/** `npm run bench [-- NAME…] [--json]`: every file beside this one that exports `bench`. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const known = readdirSync(new URL('.', import.meta.url))
    .filter((file) => file.endsWith('.ts') && !NOT_A_BENCH.includes(file))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    process.stderr.write(`there is no bench ${unknown.join(', ')}; there are: ${known.join(', ')}\n`);
    process.exitCode = 2;
    return;
  }
  for (const name of positionals.length > 0 ? positionals : known) {
    const { bench } = (await import(`./${name}.ts`)) as { bench: Bench };
    const rows = await bench((text) => process.stderr.write(`${name}: ${text}\n`));
    process.stdout.write(values.json ? asLines(rows) : asTable(rows));
  }
}

function asLines(rows: BenchRow[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

function asTable(rows: BenchRow[]): string {
  const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version}`;
  const cells = [
    ['row', 'ours', 'peer', 'ratio', 'unit', 'runs'],
    ...rows.map(({ row, ours, peer, ratio, unit, runs }) =>
      [row, ours.toFixed(1), peer?.toFixed(1) ?? '-', ratio?.toFixed(1) ?? '-', unit, runs].map(String),
    ),
  ];
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((line) => line[column]?.length ?? 0)),
  );
  const lines = cells.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `\n${rows[0]?.name ?? ''} (${machine})\n${lines.join('\n')}\n`;
}

await main();
