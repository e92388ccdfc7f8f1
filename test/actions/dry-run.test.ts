import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { stageCommands } from '../../actions/commands.ts';
import { monitorResult } from '../loop/statements.ts';
import { type EvidenceCheckout, evidenceCheckout } from './evidence-checkout.ts';

const home = process.cwd();
let checkout: EvidenceCheckout;
beforeEach(() => {
  checkout = evidenceCheckout();
  process.chdir(checkout.workspace);
});
afterEach(() => {
  process.chdir(home);
  process.exitCode = undefined;
  vi.restoreAllMocks();
  checkout.remove();
});

/** A command as in a terminal: what it prints, and its exit code. */
async function roundhouse(...args: string[]): Promise<{ code: unknown; out: string; error: string }> {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const error = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const program = new Command();
  stageCommands(program);
  await program.parseAsync(args, { from: 'user' });
  const textOf = ({ mock }: typeof out) => mock.calls.map(([text]) => String(text)).join('');
  const said = { code: process.exitCode, out: textOf(out), error: textOf(error) };
  vi.restoreAllMocks();
  return said;
}

/** Every file of the checkout, git's own apart, with its bytes. */
function files(): Record<string, string> {
  const paths = readdirSync(checkout.workspace, { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.startsWith('.git/') && statSync(join(checkout.workspace, path)).isFile())
    .sort();
  return Object.fromEntries(
    paths.map((path) => [path, readFileSync(join(checkout.workspace, path), 'utf8')]),
  );
}

test('card: the files that it would write, and then writes', async () => {
  await checkout.data();
  await checkout.train();
  await checkout.evaluate();
  const before = files();
  const told = await roundhouse('card', '--dry-run');
  expect(told).toMatchObject({ code: 0, error: '' });
  expect(told.out).toMatch(
    /^would write models\/bikes\/data\.lock\nwould write models\/bikes\/model\.lock\n/,
  );
  const { write } = JSON.parse((await roundhouse('card', '--dry-run', '--json')).out);
  expect(files()).toEqual(before);

  expect((await roundhouse('card')).code).toBe(0);
  const planned = write.map(({ path, text }: { path: string; text: string }) => [path, text]);
  expect(files()).toEqual({ ...before, ...Object.fromEntries(planned) });
  expect((await roundhouse('card', '--dry-run')).out).toBe('card: up to date\n');
});

test.each([
  ['failed', 'open'],
  ['passed', 'none'],
] as const)(
  'retrain: after a check that %s the decision is "%s", and no evidence of it is kept',
  async (decay, decision) => {
    await checkout.monitor(monitorResult('2012-07-01T00:00:00Z', decay));
    const before = files();
    const told = await roundhouse('retrain', '--dry-run');
    expect(told).toMatchObject({ code: 0, out: `retrain: would decide "${decision}"\n` });
    const value = JSON.parse((await roundhouse('retrain', '--dry-run', '--json')).out);
    expect(value).toMatchObject({ decision });
    expect(files()).toEqual(before);
    await roundhouse('retrain');
    expect(Object.keys(files())).toContain('.roundhouse/evidence/bikes/retrain.json');
  },
);
