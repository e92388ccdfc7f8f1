import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { randomOf } from '#lib/ml/stats/random.ts';
import { openStore } from '#lib/store/open.ts';
import { type Local, startLocal } from '../local.ts';
import { expectations } from './expect.ts';
import { defineProblem, firstVersion } from './opening.ts';
import { person } from './people.ts';
import { modelFiles, problemIssue, pushFirstCommit } from './repository.ts';
import { bikesCsv, liveRows, type Variant } from './rows.ts';
import { OWNER, PRODUCTION, type Stage } from './stage.ts';
import { type SummaryRow, summaryRow } from './summary.ts';
import type { Timeline } from './timeline.ts';
import { startTraffic, type Traffic } from './traffic.ts';
import { playStretch, type Stretch } from './year.ts';

export const PEOPLE = [
  { login: 'product-owner', role: 'write' },
  { login: 'data-scientist', role: 'write' },
  { login: 'ml-lead', role: 'maintain' },
] as const;

export type PlayOptions = {
  dir: string;
  port: number;
  /** Keep what is in `dir`; by default it is wiped. */
  keep: boolean;
  timeline: Timeline;
  variant: Variant;
  /** How many quarters pass; 4 = all of 2012. */
  quarters: number;
  /** Told once everything runs, for tests that kill a part of it. */
  onStarted?(local: Local): void;
  /** Changes the data scientist's files, for tests that want a quick training. */
  edit?(files: Record<string, string>): Record<string, string>;
};

export type Played = {
  stage: Stage;
  rows: SummaryRow[];
  traffic: ReturnType<Traffic['stats']>;
  stop(): Promise<void>;
};

const MODEL = 'bikes';
const OPENING = '2012-01-01T00:00:00Z';
const LABEL_LAG_MS = 86_400_000;
const QUARTERS = ['2012-01-01', '2012-04-01', '2012-07-01', '2012-10-01', '2013-01-01'].map((day) =>
  Date.parse(`${day}T00:00:00Z`),
);
const SHUFFLE_SEED = 7;

/** The whole loop on the bikes: everything happens through the public interfaces of real processes. */
export async function play(options: PlayOptions): Promise<Played> {
  const { dir, timeline, variant, edit = (files) => files } = options;
  if (!options.keep) rmSync(dir, { recursive: true, force: true });
  const local = await startLocal({
    dir,
    port: options.port,
    owner: OWNER,
    repository: MODEL,
    people: [...PEOPLE],
    onExit: (name, how) => timeline.event({ at: OPENING, who: 'local', what: `${name} ended: ${how}` }),
  });
  options.onStarted?.(local);
  try {
    const stage = prepare(local, timeline);
    timeline.event({
      at: OPENING,
      who: 'local',
      what: 'GitHub, app, job runner and supervisor run',
      link: `${local.url}/${OWNER}/${MODEL}`,
    });
    await local.setClock(new Date(OPENING));
    await pushFirstCommit({
      url: local.url,
      owner: OWNER,
      repository: MODEL,
      login: 'ml-lead',
      token: tokenOf(local, 'ml-lead'),
      supervisor: local.supervisorUrl,
    });
    const history = await openStore(pathToFileURL(join(dir, 'store')).href).put(bikesCsv());
    const change = { issue: problemIssue(), files: edit(modelFiles(MODEL, { history })), at: OPENING };
    await defineProblem(stage, change);
    await firstVersion(stage, change);
    const { rows, traffic } = await playYear(stage, { variant, quarters: options.quarters });
    return { stage, rows, traffic, stop: () => local.stop() };
  } catch (error) {
    await local.stop();
    throw error;
  }
}

function prepare(local: Local, timeline: Timeline): Stage {
  const at = { owner: OWNER, repo: MODEL, apiUrl: local.apiUrl };
  const named = (login: string) => person({ login, token: tokenOf(local, login), at });
  return {
    local,
    model: MODEL,
    timeline,
    expectations: expectations(),
    people: {
      productOwner: named('product-owner'),
      dataScientist: named('data-scientist'),
      mlLead: named('ml-lead'),
    },
  };
}

async function playYear(
  stage: Stage,
  { variant, quarters }: { variant: Variant; quarters: number },
): Promise<{ rows: SummaryRow[]; traffic: ReturnType<Traffic['stats']> }> {
  const traffic = await startTraffic({
    url: await routerUrl(stage.local),
    model: MODEL,
    rows: liveRows(variant, randomOf(SHUFFLE_SEED)),
    labelLagMs: LABEL_LAG_MS,
  });
  const rows: SummaryRow[] = [];
  try {
    for (const stretch of stretches(quarters))
      rows.push(summaryRow(stretch.name, await playStretch(stage, traffic, stretch)));
  } finally {
    await traffic.stop();
  }
  return { rows, traffic: traffic.stats() };
}

function stretches(quarters: number): Stretch[] {
  return Array.from({ length: quarters }, (_, index) => ({
    name: `Q${index + 1} 2012`,
    from: QUARTERS[index] ?? 0,
    until: QUARTERS[index + 1] ?? 0,
    last: index === quarters - 1,
  }));
}

async function routerUrl(local: Local): Promise<string> {
  const response = await fetch(`${local.supervisorUrl}/v1/environments`, {
    headers: { authorization: `Bearer ${local.secrets.supervisor}` },
  });
  const { environments } = (await response.json()) as { environments: { name: string; url: string }[] };
  const url = environments.find(({ name }) => name === PRODUCTION)?.url;
  if (url === undefined) throw new Error('the supervisor has no router for production');
  return url;
}

function tokenOf(local: Local, login: string): string {
  const token = local.secrets.tokens[login];
  if (token === undefined) throw new Error(`there is no token for ${login}`);
  return token;
}
