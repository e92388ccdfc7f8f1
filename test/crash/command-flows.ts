import {
  bikesFiles,
  commentSaying,
  commentsOf,
  eventually,
  gateOf,
  merge,
  openProblem,
  openPull,
  pushToMain,
  R,
  RETRAIN_BOX,
  replyTo,
  say,
  tagged,
  type World,
} from '../loop/app-world.ts';
import {
  addStaging,
  allowStandingApproval,
  openFork,
  openForkPull,
  procedureLine,
  pushToFork,
  stagedFiles,
} from '../loop/variants.ts';
import { approve, type Flow, gateSays, issueTitled, pullOf } from './flow.ts';

async function mergedPull(world: World, branch: string): Promise<number> {
  const { data } = await world.as('ml-lead').rest.pulls.list({ ...R, state: 'closed' });
  const found = data.find(({ head, merged_at }) => head.ref === branch && merged_at !== null);
  if (!found) throw new Error(`no pull request of ${branch} was merged`);
  return found.number;
}

/** One command each, from the world that another flow left. */
export const COMMAND_FLOWS: Flow[] = [
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
    name: 'rollback-command',
    from: 'deploy-again',
    act: async (world) => {
      await say(world, 'ml-lead', await issueTitled(world, /was rolled-back/), '/rollback');
      await tagged(world, 'bikes#champion#6');
      await issueTitled(world, /rolled back by ml-lead/);
    },
  },
  {
    name: 'unfreeze',
    from: 'rollback-command',
    act: async (world) => {
      const issue = await issueTitled(world, /rolled back by ml-lead/);
      const { data } = await world.as('ml-lead').rest.issues.get({ ...R, issue_number: issue });
      const digest = /`\/unfreeze ([0-9a-f]{16}) <reason>`/.exec(data.body ?? '')?.[1];
      const line = `/unfreeze ${digest} the sensor is mended`;
      await replyTo(world, await say(world, 'ml-lead', issue, line), issue);
    },
  },
  {
    name: 'staged',
    from: 'definition',
    isGround: true,
    act: async (world) => {
      await addStaging(world);
      const files = stagedFiles();
      const pull = await openPull(world, 'data-scientist', { branch: 'first-model', files });
      await gateOf(world, pull, 'action_required');
      await approve(world, pull);
      await merge(world, 'ml-lead', pull);
      await tagged(world, 'bikes#staging#1');
    },
  },
  {
    name: 'promote',
    from: 'staged',
    act: async (world) => {
      const pull = await mergedPull(world, 'first-model');
      await replyTo(world, await say(world, 'ml-lead', pull, '/promote production'), pull);
      await tagged(world, 'bikes#champion#3');
    },
  },
  {
    name: 'forked',
    from: 'definition',
    isGround: true,
    act: async (world) => {
      const outsider = await openFork(world);
      await pushToFork(outsider, bikesFiles());
      await gateOf(world, await openForkPull(outsider), 'failure');
    },
  },
  {
    name: 'ok-to-train',
    from: 'forked',
    act: async (world) => {
      const origin = await pullOf(world, 'topic');
      const { data } = await world.as('ml-lead').rest.pulls.get({ ...R, pull_number: origin });
      await say(world, 'ml-lead', origin, `/ok-to-train ${data.head.sha}`);
      await gateOf(world, await pullOf(world, `roundhouse-pr-${origin}`), 'action_required');
    },
  },
  {
    name: 'terms',
    from: 'release',
    isGround: true,
    findings: { decay: 'failed', retrain: true },
    act: async (world) => {
      await allowStandingApproval(world);
      await world.control('/clock', { now: '2027-04-01T06:00:00Z' });
      await gateOf(world, await pullOf(world, /^roundhouse-retrain-bikes-/), 'action_required');
    },
  },
  {
    name: 'standing-approval',
    from: 'terms',
    findings: { decay: 'failed', retrain: true },
    act: async (world) => {
      const pull = await pullOf(world, /^roundhouse-retrain-bikes-/);
      await say(world, 'ml-lead', pull, await procedureLine(world, pull));
      await gateOf(world, pull, 'success');
    },
  },
  {
    name: 'tick-box',
    from: 'release',
    act: async (world) => {
      const found = await eventually(
        'the box of retraining on the dashboard',
        async () => {
          const { data } = await world
            .as('ml-lead')
            .rest.issues.listForRepo({ ...R, labels: 'ml-dashboard' });
          return data.find(({ body }) => RETRAIN_BOX.test(body ?? ''));
        },
        world,
      );
      const body = (found.body ?? '').replace(RETRAIN_BOX, '- [x] $1');
      await world.as('data-scientist').rest.issues.update({ ...R, issue_number: found.number, body });
      await commentSaying(world, found.number, 'ticked by data-scientist');
    },
  },
  {
    name: 'reminding',
    from: null,
    isGround: true,
    act: async (world) => {
      await pushToMain(world, '.github/roundhouse.yml', (text) =>
        text.replace(/^reminders: .*/m, 'reminders: { after: PT0S, every: P30D, at_most: 1 }'),
      );
    },
  },
  {
    name: 'reminder',
    from: 'reminding',
    act: async (world) => {
      await commentSaying(world, await openProblem(world), 'roundhouse:reminder');
    },
  },
];
