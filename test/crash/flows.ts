import {
  bikesFiles,
  commentsOf,
  eventually,
  gateOf,
  merge,
  openProblem,
  openPull,
  say,
  type World,
} from '../loop/app-world.ts';
import { COMMAND_FLOWS } from './command-flows.ts';
import { approve, type Flow, issueTitled, pullOf } from './flow.ts';

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
      await say(world, 'ml-lead', await issueTitled(world, /was rolled-back/), '/deploy production');
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
      const incident = await issueTitled(world, /was paused/);
      world.jobs.findings.faults.clear();
      await say(world, 'ml-lead', incident, '/deploy production');
    },
  },
  ...COMMAND_FLOWS,
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
