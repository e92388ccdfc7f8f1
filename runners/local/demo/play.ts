import { rmSync } from 'node:fs';
import { type Local, startLocal } from '../local.ts';
import { expectations } from './expect.ts';
import { defineProblem, firstVersion } from './opening.ts';
import { person } from './people.ts';
import { type Access, pushFirstCommit } from './repository.ts';
import { type Case, OWNER, PRODUCTION, type Stage } from './stage.ts';
import type { Timeline } from './timeline.ts';
import { startTraffic, type Traffic } from './traffic.ts';
import { askForRetraining, type CheckRecord, playStretch } from './year.ts';

export const PEOPLE = [
  { login: 'product-owner', role: 'write' },
  { login: 'data-scientist', role: 'write' },
  { login: 'ml-lead', role: 'maintain' },
] as const;

export type PlayOptions = {
  case: Case;
  dir: string;
  port: number;
  /** Keep what is in `dir`; by default it is wiped. */
  keep: boolean;
  timeline: Timeline;
  /** Told once everything runs, for tests that kill a part of it. */
  onStarted?(local: Local): void;
};

export type Played = {
  stage: Stage;
  records: CheckRecord[];
  traffic: ReturnType<Traffic['stats']>;
  stop(): Promise<void>;
};

const NO_TRAFFIC: Played['traffic'] = { sent: 0, failed: 0, labelled: 0, byVersion: {}, failures: [] };

/** The whole loop on a case: everything happens through the public interfaces of real processes. */
export async function play(options: PlayOptions): Promise<Played> {
  const { dir, timeline } = options;
  const { model, opening } = options.case;
  const at = opening.toISOString();
  if (!options.keep) rmSync(dir, { recursive: true, force: true });
  const local = await startLocal({
    dir,
    port: options.port,
    owner: OWNER,
    repository: model,
    people: [...PEOPLE],
    onExit: (name, how) => timeline.event({ at, who: 'local', what: `${name} ended: ${how}` }),
  });
  options.onStarted?.(local);
  try {
    const stage = prepare(local, timeline, options.case);
    timeline.event({
      at,
      who: 'local',
      what: 'GitHub, app, job runner and supervisor run',
      link: `${local.url}/${OWNER}/${model}`,
    });
    await local.setClock(opening);
    await pushFirstCommit({ ...accessOf(local, model, 'ml-lead'), supervisor: local.supervisorUrl });
    const issue = await defineProblem(stage);
    const serves = await firstVersion(stage);
    const lived = serves ? await live(stage, issue) : { records: [], traffic: NO_TRAFFIC };
    return { stage, ...lived, stop: () => local.stop() };
  } catch (error) {
    await local.stop();
    throw error;
  }
}

function prepare(local: Local, timeline: Timeline, played: Case): Stage {
  const { model } = played;
  const at = { owner: OWNER, repo: model, apiUrl: local.apiUrl };
  const named = (login: string) => person({ login, token: tokenOf(local, login), at });
  return {
    local,
    case: played,
    model,
    timeline,
    expectations: expectations(),
    people: {
      productOwner: named('product-owner'),
      dataScientist: named('data-scientist'),
      mlLead: named('ml-lead'),
    },
  };
}

/** The stretches one after the other; where nothing was opened until the last but one, a person asks for a retraining. */
async function live(stage: Stage, issue: number): Promise<Pick<Played, 'records' | 'traffic'>> {
  const { model, rows, labelLagMs, stretches, asks, pace } = stage.case;
  const traffic = await startTraffic({ url: await routerUrl(stage.local), model, rows, labelLagMs });
  traffic.pace(pace.quiet);
  const records: CheckRecord[] = [];
  try {
    for (const [index, stretch] of stretches.entries()) {
      const record = await playStretch(stage, traffic, stretch);
      records.push(record);
      const isTime = index === Math.max(0, stretches.length - 2);
      if (asks && isTime && records.every(({ decision }) => decision === 'none')) {
        await askForRetraining(stage, { traffic, stretch, issue });
      }
    }
  } finally {
    await traffic.stop();
  }
  return { records, traffic: traffic.stats() };
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

/** Git access of a person to the repository of the story. */
export function accessOf(local: Local, repository: string, login: string): Access {
  return { url: local.url, owner: OWNER, repository, login, token: tokenOf(local, login) };
}

function tokenOf(local: Local, login: string): string {
  const token = local.secrets.tokens[login];
  if (token === undefined) throw new Error(`there is no token for ${login}`);
  return token;
}
