import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal } from '../../app/journal.ts';
import { openLooks } from '../../app/looks.ts';
import { createReconciler } from '../../app/reconciler.ts';
import { fakeProject } from './fake-project.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'looks-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('the reconciler', () => {
  it('reads comments from the last look without a fault on, over restarts', async () => {
    const { world, place } = await fakeProject();
    const facts = { owner: 'acme', repo: 'bikes', default_branch: 'main', installation: 1 };
    const projects = { all: async () => [facts], of: async () => place };
    const start = async () => {
      await (await openJournal(join(dir, 'journal'))).close();
      return createReconciler(projects, await openLooks(dir));
    };
    const look = async (at: string, reconcile: () => Promise<void>) => {
      world.now = new Date(`2026-03-${at}:00Z`);
      await reconcile().catch(() => {});
      return world.looks.at(-1);
    };
    const first = await start();
    expect(await look('10T10:00', first)).toBe('2026-03-07T09:55:00.000Z');
    expect(await look('10T10:30', first)).toBe('2026-03-10T09:55:00.000Z');
    world.down = 'pulls';
    expect(await look('10T11:00', first)).toBe('2026-03-10T10:25:00.000Z');
    expect(await look('15T11:00', await start())).toBe('2026-03-10T10:25:00.000Z');
    world.down = null;
    const last = await start();
    expect(await look('20T11:00', last)).toBe('2026-03-10T10:25:00.000Z');
    expect(await look('20T11:01', last)).toBe('2026-03-20T10:55:00.000Z');
  });

  it('names a file that is not its own', async () => {
    await writeFile(join(dir, 'looks.json'), '{"acme/bikes": "yesterday"}');
    await expect(openLooks(dir)).rejects.toThrow(/looks\.json does not say/);
  });
});
