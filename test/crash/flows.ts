import {
  approveLine,
  bikesFiles,
  commentsOf,
  eventually,
  gateOf,
  merge,
  openProblem,
  openPull,
  R,
  replyTo,
  say,
  type World,
} from '../loop/app-world.ts';
import type { AppUnderTest } from './world.ts';

/**
 * A stretch of the lifecycle that begins in the world where another flow ended. `act` is what people do, and
 * waits only for what they need to see; the harness waits for the rest.
 */
export type Flow = {
  name: string;
  /** Null = a repository with its first commit. */
  from: string | null;
  act: (world: World, app: AppUnderTest, settle: () => Promise<void>) => Promise<void>;
  /** What the jobs find. */
  findings?: Partial<World['jobs']['findings']>;
  /** The app is started by `act`. */
  startsLate?: boolean;
};

const pulls = async (world: World) => (await world.as('ml-lead').rest.pulls.list({ ...R })).data;

async function pullOf(world: World, branch: string | RegExp): Promise<number> {
  return eventually(
    `the pull request of ${branch}`,
    async () =>
      (await pulls(world)).find(({ head }) =>
        typeof branch === 'string' ? head.ref === branch : branch.test(head.ref),
      )?.number,
    world,
  );
}

async function approve(world: World, number: number, login = 'ml-lead'): Promise<void> {
  await say(world, login, number, await approveLine(world, number));
}

/** The gate once its title says so: the one of before may still stand. */
async function gateSays(world: World, pull: number, title: RegExp): Promise<void> {
  const { rest } = world.as('ml-lead');
  await eventually(
    `the gate of #${pull} to say ${title}`,
    async () => {
      const { data } = await rest.pulls.get({ ...R, pull_number: pull });
      const checks = await rest.checks.listForRef({ ...R, ref: data.head.sha });
      const gate = checks.data.check_runs.find(({ name }) => name === 'roundhouse/gate');
      return gate?.status === 'completed' && title.test(gate.output.title ?? '');
    },
    world,
  );
}

async function worsePull(world: World): Promise<number> {
  return openPull(world, 'data-scientist', { branch: 'worse', files: bikesFiles({ seed: 9 }) });
}

export const FLOWS: Flow[] = [
  {
    name: 'problem',
    from: null,
    act: async (world) => {
      const issue = await openProblem(world);
      await approve(world, issue);
    },
  },
  {
    name: 'definition',
    from: 'problem',
    act: async (world) => {
      const pull = await pullOf(world, 'roundhouse-define-bikes');
      // On a closed pull request nothing is said any more: who merges at once leaves open whether it was.
      await eventually(
        'the comment on the definition',
        async () => (await commentsOf(world, pull)).find(({ body }) => body.includes('definition only')),
        world,
      );
      await merge(world, 'product-owner', pull);
    },
  },
  {
    name: 'pull-request',
    from: 'definition',
    act: async (world) => {
      await openPull(world, 'data-scientist', { branch: 'first-model', files: bikesFiles() });
    },
  },
  {
    name: 'approval',
    from: 'pull-request',
    act: async (world) => approve(world, await pullOf(world, 'first-model')),
  },
  {
    name: 'release',
    from: 'approval',
    act: async (world) => {
      await merge(world, 'ml-lead', await pullOf(world, 'first-model'));
    },
  },
  {
    name: 'monitor',
    from: 'release',
    findings: { decay: 'failed', retrain: true },
    act: async (world) => {
      await world.control('/clock', { now: '2027-04-01T06:00:00Z' });
      await gateOf(world, await pullOf(world, /^roundhouse-retrain-bikes-/), 'action_required');
    },
  },
  {
    name: 'worse',
    from: 'release',
    act: async (world) => {
      const pull = await worsePull(world);
      await gateOf(world, pull, 'action_required');
      await approve(world, pull);
    },
  },
  {
    name: 'rollback',
    from: 'worse',
    findings: { canary: 'failed' },
    act: async (world) => {
      await merge(world, 'ml-lead', await pullOf(world, 'worse'));
    },
  },
  {
    name: 'deploy-again',
    from: 'rollback',
    act: async (world) => {
      const { data } = await world.as('ml-lead').rest.issues.listForRepo({ ...R });
      const incident = data.find(({ title }) => title.includes('was rolled-back'));
      await say(world, 'ml-lead', incident?.number ?? 0, '/deploy production');
    },
  },
  {
    name: 'commands',
    from: 'pull-request',
    act: async (world) => {
      const pull = await pullOf(world, 'first-model');
      // One after the other: five of one person that wait are a burst, answered in one comment.
      for (const line of ['/help', '/aprove', '/history', '/why', '/plan', '/approve 0123456789abcdef']) {
        const comment = await say(world, 'ml-lead', pull, line);
        if (line !== '/plan') await replyTo(world, comment, pull);
      }
      await replyTo(world, await say(world, 'visitor', pull, '/plan'), pull);
    },
  },
  {
    name: 'train',
    from: 'pull-request',
    act: async (world) => {
      const pull = await pullOf(world, 'first-model');
      await replyTo(world, await say(world, 'ml-lead', pull, '/train seed=77'), pull);
    },
  },
  {
    name: 'decide',
    from: 'pull-request',
    act: async (world) => {
      const pull = await pullOf(world, 'first-model');
      await say(world, 'ml-lead', pull, '/decide the window stays 90 days');
    },
  },
  {
    name: 'override',
    from: 'definition',
    findings: { gates: 'failed' },
    act: async (world) => {
      const pull = await openPull(world, 'data-scientist', { branch: 'strike', files: bikesFiles() });
      await gateSays(world, pull, /stopped by/);
      const digest = await eventually(
        'the digest of the candidate',
        async () => {
          const bodies = (await commentsOf(world, pull)).map(({ body }) => body);
          return bodies
            .map((body) => /candidate, which is approved .*?([0-9a-f]{16})/.exec(body)?.[1])
            .find(Boolean);
        },
        world,
      );
      const line = `/override mae on the newest rows ${digest} the strike of last week`;
      await replyTo(world, await say(world, 'product-owner', pull, line), pull);
      await gateSays(world, pull, /0 of 1 approvals/);
    },
  },
  {
    name: 'hold',
    from: 'pull-request',
    act: async (world) => {
      const pull = await pullOf(world, 'first-model');
      await say(world, 'ml-lead', pull, '/hold');
      await gateSays(world, pull, /held by ml-lead/);
      await say(world, 'ml-lead', pull, '/unhold');
      await gateSays(world, pull, /0 of 1 approvals/);
      await say(world, 'product-owner', pull, '/object the holidays are missing');
      await gateSays(world, pull, /held by product-owner/);
    },
  },
  {
    name: 'cancel',
    from: 'definition',
    act: async (world) => {
      world.jobs.findings.held.add('roundhouse.yml');
      const pull = await openPull(world, 'data-scientist', { branch: 'first-model', files: bikesFiles() });
      await eventually('a run under way', async () => world.jobs.runs.length > 0, world);
      await replyTo(world, await say(world, 'data-scientist', pull, '/cancel'), pull);
      await gateSays(world, pull, /cancelled by data-scientist/);
      world.jobs.findings.held.clear();
      await say(world, 'data-scientist', pull, '/plan');
      await gateSays(world, pull, /0 of 1 approvals/);
    },
  },
  {
    name: 'update',
    from: 'worse',
    act: async (world) => {
      const pull = await pullOf(world, 'worse');
      const content = Buffer.from('{"lockfileVersion":3}').toString('base64');
      const file = { ...R, path: 'package-lock.json', message: 'packages', content };
      await world.as('ml-lead').rest.repos.createOrUpdateFileContents(file);
      await gateSays(world, pull, /out of date/);
      await say(world, 'data-scientist', pull, '/update');
      await gateSays(world, pull, /0 of 1 approvals/);
    },
  },
  {
    name: 'start-after-outage',
    from: 'definition',
    startsLate: true,
    act: async (world, app) => {
      const pull = await openPull(world, 'data-scientist', { branch: 'first-model', files: bikesFiles() });
      await say(world, 'ml-lead', pull, '/hold');
      // A young comment is left to its webhook: the candidate waits until the hold was found.
      world.jobs.findings.paused = true;
      app.start();
      await gateOf(world, pull, 'failure');
      world.jobs.findings.paused = false;
    },
  },
  {
    name: 'broken-deploy',
    from: 'approval',
    findings: { faults: new Set(['roundhouse-deploy.yml']) },
    act: async (world) => {
      await merge(world, 'ml-lead', await pullOf(world, 'first-model'));
      const incident = await eventually(
        'the incident',
        async () => {
          const { data } = await world.as('ml-lead').rest.issues.listForRepo({ ...R });
          return data.find(({ title }) => title.includes('was paused'))?.number;
        },
        world,
      );
      world.jobs.findings.faults.clear();
      await say(world, 'ml-lead', incident, '/deploy production');
    },
  },
];

/** From here on the jobs find what this flow says, and nothing of an earlier one. */
export function findFrom({ jobs }: World, { findings = {} }: Pick<Flow, 'findings'>): void {
  const usual = {
    data: 'passed',
    gates: 'passed',
    decay: 'passed',
    retrain: false,
    canary: 'passed',
  } as const;
  Object.assign(jobs.findings, usual, structuredClone(findings));
}

/**
 * One repository through flows one after the other, each once nothing of the former is under way: every kind of
 * call that the flows have.
 */
export const TOUR: Flow = {
  name: 'tour',
  from: null,
  act: async (world, app, settle) => {
    const parts = ['problem', 'definition', 'cancel', 'approval', 'release', 'worse', 'rollback', 'monitor'];
    for (const part of parts.map(flowNamed)) {
      findFrom(world, part);
      await part.act(world, app, settle);
      await settle();
    }
  },
};

export function flowNamed(name: string): Flow {
  const found = FLOWS.find((flow) => flow.name === name);
  if (!found) throw new Error(`there is no flow "${name}": ${FLOWS.map((flow) => flow.name).join(', ')}`);
  return found;
}
