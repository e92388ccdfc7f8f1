import { approveLine, eventually, R, say, type World } from '../loop/app-world.ts';
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
  /** Where others begin, and nothing of its own: the app is not killed in it. */
  isGround?: boolean;
  /** The app is started by `act`. */
  startsLate?: boolean;
};

export async function pullOf(world: World, branch: string | RegExp): Promise<number> {
  return eventually(
    `the pull request of ${branch}`,
    async () => {
      const { data } = await world.as('ml-lead').rest.pulls.list({ ...R });
      return data.find(({ head }) =>
        typeof branch === 'string' ? head.ref === branch : branch.test(head.ref),
      )?.number;
    },
    world,
  );
}

/** An open issue that is no pull request. */
export async function issueTitled(world: World, title: RegExp): Promise<number> {
  return eventually(
    `an issue titled ${title}`,
    async () => {
      const { data } = await world.as('ml-lead').rest.issues.listForRepo({ ...R });
      return data.find((issue) => !issue.pull_request && title.test(issue.title))?.number;
    },
    world,
  );
}

export async function approve(world: World, number: number, login = 'ml-lead'): Promise<void> {
  await say(world, login, number, await approveLine(world, number));
}

/** The gate once its title says so: the one of before may still stand. */
export async function gateSays(world: World, pull: number, title: RegExp): Promise<void> {
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
