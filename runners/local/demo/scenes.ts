import { parse } from 'yaml';
import type { Person, PullSummary } from './people.ts';
import { PRODUCTION, type Stage } from './stage.ts';
import { until } from './wait.ts';

const APP = 'roundhouse[bot]';
/** The line that the app asks people to paste; never one inside a quote or code fence of somebody else. */
const APPROVE_LINE = /^\/approve ([0-9a-f]{16,64})$/m;

type Ask = { stage: Stage; number: number; at: string };

/** The digest that the app asks to approve on an issue or pull request, newest first. */
async function askedDigest(by: Person, number: number): Promise<string | undefined> {
  const comments = await by.comments(number);
  return comments
    .filter(({ author }) => author === APP)
    .toReversed()
    .map(({ body }) => APPROVE_LINE.exec(body)?.[1])
    .find((digest) => digest !== undefined);
}

/** A person reads what the app asks and approves exactly that. */
export async function approve(by: Person, { stage, number, at }: Ask, what: string): Promise<string> {
  const digest = await until(`the app to ask for an approval on #${number}`, () => askedDigest(by, number), {
    timeline: stage.timeline,
  });
  const { url } = await by.comment(number, `/approve ${digest}`);
  stage.timeline.event({
    at,
    who: by.login,
    what: `approves ${what} (scripted)`,
    figures: digest.slice(0, 16),
    link: url,
  });
  return digest;
}

/** Waits until `roundhouse/gate` of the newest head is completed in one of the ways. */
export async function gateOf(
  by: Person,
  number: number,
  wanted: readonly string[],
  stage: Stage,
): Promise<PullSummary & { gate: string; conclusion: string }> {
  return until(
    `roundhouse/gate on #${number} to become ${wanted.join(' or ')}`,
    async () => {
      const pull = await by.pull(number);
      const gate = (await by.checks(pull.headSha))['roundhouse/gate'];
      stage.timeline.working(`#${number} ${gate?.title ?? 'waits for the app'}`);
      if (gate?.status !== 'completed' || gate.conclusion === null) return undefined;
      if (gate.conclusion === 'failure' && !wanted.includes('failure'))
        throw new Error(`roundhouse/gate on #${number} failed: ${gate.title} (${pull.url})`);
      return wanted.includes(gate.conclusion)
        ? { ...pull, gate: gate.title, conclusion: gate.conclusion }
        : undefined;
    },
    { timeline: stage.timeline, timeoutMs: 300_000 },
  );
}

/** Merges at the head whose gate is green. */
export async function mergeWhenGreen(by: Person, { stage, number, at }: Ask): Promise<{ sha: string }> {
  const pull = await gateOf(by, number, ['success'], stage);
  const merged = await by.merge(number, pull.headSha);
  stage.timeline.event({ at, who: by.login, what: `merges #${number} ${pull.title}`, link: pull.url });
  return merged;
}

/** Waits until the newest deployment of the model is over; its last status tells how it went. */
export async function deployed(stage: Stage, sha: string): Promise<{ state: string; description: string }> {
  return until(
    'the rollout to end',
    async () => {
      const newest = (await stage.people.mlLead.deployments(`${stage.model}/${PRODUCTION}`)).find(
        (deployment) => deployment.sha === sha,
      );
      if (newest === undefined) return undefined;
      stage.timeline.working(`rollout: ${newest.state} ${newest.description}`);
      return ['success', 'failure', 'error', 'inactive'].includes(newest.state) ? newest : undefined;
    },
    { timeline: stage.timeline, timeoutMs: 300_000 },
  );
}

/** Versions that the registry's tags name, oldest first. */
export async function versions({ people, model }: Stage): Promise<string[]> {
  const tags = await people.mlLead.tags(`${model}@v`);
  return tags
    .map((tag) => tag.slice(`${model}@v`.length))
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** What the candidate of a pull request scored on the newest rows, as its model.lock says. */
export async function candidateFigures({ people, model }: Stage, headSha: string): Promise<string> {
  const text = await people.mlLead.file(`models/${model}/model.lock`, headSha);
  const { metrics, trainer } = parse(text ?? '{}') as { metrics?: Record<string, number>; trainer?: string };
  const figures = Object.entries(metrics ?? {}).map(([name, value]) => `${name} ${value.toPrecision(3)}`);
  return `${trainer}: ${figures.join(', ')}`;
}
