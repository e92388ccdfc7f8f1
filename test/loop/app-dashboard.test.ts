import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../../app/log.ts';
import { type RunningApp, startApp } from '../../app/server.ts';
import {
  BOT,
  bikesFiles,
  commentsOf,
  defineBikes,
  eventually,
  firstModel,
  openPull,
  R,
  RETRAIN_BOX,
  startWorld,
  type World,
} from './app-world.ts';
import { type Fan, startFan } from './fan.ts';

/** Two apps with journals of their own; every delivery goes to both. */
describe('the model dashboard', { timeout: 300_000 }, () => {
  let world: World;
  let fan: Fan;
  const apps: RunningApp[] = [];
  const rest = (login: string) => world.as(login).rest;

  beforeAll(async () => {
    fan = await startFan();
    world = await startWorld({ webhookPort: fan.port });
    for (const name of ['one', 'two']) {
      const dir = join(world.dir, name);
      mkdirSync(dir);
      const port = world.port + 1 + apps.length;
      const env = { ...world.env, ROUNDHOUSE_DIR: dir };
      apps.push(await startApp({ port, env, log: createLog((line) => world.log.push(line)) }));
      fan.ports.push(port);
    }
    await defineBikes(world);
    await firstModel(world);
  }, 300_000);
  afterAll(async () => {
    for (const app of apps) await app.close();
    await fan.close();
    await world.close();
  });

  async function dashboards() {
    const { data } = await rest('visitor').issues.listForRepo({ ...R, state: 'all', labels: 'ml-dashboard' });
    return data.map(({ number, title, body, user }) => ({
      number,
      title,
      body: body ?? '',
      by: user?.login,
    }));
  }

  async function shows(text: string | RegExp) {
    let seen = '';
    return eventually(
      () => `a dashboard with ${text}:\n${seen}`,
      async () => {
        const [found] = await dashboards();
        seen = found?.body ?? 'no dashboard';
        return found && (typeof text === 'string' ? seen.includes(text) : text.test(seen)) ? found : null;
      },
      world,
    );
  }

  async function replies(number: number, count: number) {
    return eventually(
      `${count} replies`,
      async () => {
        const found = (await commentsOf(world, number)).filter(({ author }) => author === BOT);
        return found.length >= count ? found : null;
      },
      world,
    );
  }

  async function looks() {
    const { data } = await rest('ml-lead').actions.listWorkflowRuns({
      ...R,
      workflow_id: 'roundhouse-monitor.yml',
    });
    return data.workflow_runs.length;
  }

  async function tick(login: string): Promise<void> {
    const { number, body } = await shows(RETRAIN_BOX);
    await rest(login).issues.update({
      ...R,
      issue_number: number,
      body: body.replace(RETRAIN_BOX, '- [x] $1'),
    });
  }

  it('is one issue of two apps, and shows what serves and what waits', async () => {
    await shows('| `production` | v1.0.0 |');
    await shows(RETRAIN_BOX);
    const found = await dashboards();
    expect(found.map(({ title, by }) => [title, by])).toEqual([['Model dashboard: bikes', BOT]]);
    expect(found[0]?.body).toMatch(/Checklist, \d+ of 29/);
    const files = bikesFiles();
    const path = 'models/bikes/model.yml';
    files[path] = (files[path] ?? '').replace('seed: 1', 'seed: 2');
    const pull = await openPull(world, 'data-scientist', { branch: 'second', files });
    const waiting = await shows(/^\/approve [0-9a-f]{16}$/m);
    expect(waiting.body).toContain(`[#${pull}](`);
    expect(waiting.body).toContain(`roundhouse:box recheck bikes ${pull} `);
    await rest('data-scientist').pulls.update({ ...R, pull_number: pull, state: 'closed' });
    await shows('Nothing waits for an approval.');
  });

  it('has its box ticked by a writer: one look, one answer, and the box stands empty again', async () => {
    const before = await looks();
    await tick('data-scientist');
    const { number } = await shows(RETRAIN_BOX);
    const [reply] = await replies(number, 1);
    expect(reply?.body).toContain('the monitor looks now');
    expect(reply?.body).toContain('ticked by data-scientist');
    await eventually('the retraining', async () => {
      const { data } = await rest('ml-lead').pulls.list({ ...R, state: 'open' });
      return data.some(({ head }) => head.ref.startsWith('roundhouse-retrain-bikes-'));
    });
    expect(await looks()).toBe(before + 1);
    expect(await replies(number, 1)).toHaveLength(1);
    for (const { number: pull } of (await rest('ml-lead').pulls.list({ ...R, state: 'open' })).data) {
      await rest('ml-lead').pulls.update({ ...R, pull_number: pull, state: 'closed' });
    }
  });

  it('refuses who may not, and takes back what else is written into it', async () => {
    const before = await looks();
    await tick('triager');
    const { number, body } = await shows(RETRAIN_BOX);
    const [, refusal] = await replies(number, 2);
    expect(refusal?.body).toContain('it needs write permission, and yours is triage');
    await expect(
      rest('visitor').issues.update({
        ...R,
        issue_number: number,
        body: body.replace(RETRAIN_BOX, '- [x] $1'),
      }),
    ).rejects.toMatchObject({ status: 403 });
    const ticked = body.replace(RETRAIN_BOX, '- [x] $1').replace('### Health', '### All is well');
    await rest('ml-lead').issues.update({ ...R, issue_number: number, body: ticked });
    const restored = async () => {
      const now = (await dashboards())[0]?.body ?? '';
      return !now.includes('All is well') && RETRAIN_BOX.test(now);
    };
    await eventually('the body', restored, world);
    expect(await looks()).toBe(before);
    expect(await replies(number, 2)).toHaveLength(2);
  });
});
