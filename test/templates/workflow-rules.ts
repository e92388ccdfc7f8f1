import { parse } from 'yaml';

type Step = { uses?: string; run?: string; name?: string; with?: Record<string, unknown> };
type Job = {
  'runs-on'?: unknown;
  'timeout-minutes'?: unknown;
  'cache-mode'?: unknown;
  permissions?: Record<string, string>;
  environment?: { name?: string; deployment?: boolean };
  steps?: Step[];
};
export type Workflow = {
  on?: Record<string, { inputs?: Record<string, unknown> } | null>;
  permissions?: Record<string, string>;
  jobs?: Record<string, Job>;
};
/** One rule of hardening: what breaks it, a line each. `text` is the file, `name` its name. */
export type WorkflowRule = (workflow: Workflow, file: { name: string; text: string }) => string[];

const jobs = (workflow: Workflow) => Object.entries(workflow.jobs ?? {});
const steps = (workflow: Workflow) =>
  jobs(workflow).flatMap(([job, { steps: all }]) => (all ?? []).map((step) => ({ job, step })));

export const RULES = {
  'the top level grants nothing': ({ permissions }) =>
    permissions && Object.keys(permissions).length === 0 ? [] : ['permissions is not {}'],

  'a job may read contents and nothing else': (workflow) =>
    jobs(workflow)
      .filter(([, { permissions }]) => JSON.stringify(permissions) !== '{"contents":"read"}')
      .map(([job]) => job),

  'no job touches the cache of the default branch': (workflow) =>
    jobs(workflow)
      .filter(([, job]) => job['cache-mode'] !== 'none')
      .map(([job]) => job),

  'no expression stands inside run': (workflow) =>
    steps(workflow)
      .filter(({ step }) => step.run?.includes('${{'))
      .map(({ job, step }) => `${job}: ${step.run}`),

  'every action is pinned to a commit': (workflow) =>
    steps(workflow)
      .filter(({ step }) => step.uses !== undefined && !/@[0-9a-f]{40}$/.test(step.uses))
      .map(({ job, step }) => `${job}: ${step.uses}`),

  'a checkout leaves no credentials': (workflow) =>
    steps(workflow)
      .filter(({ step }) => step.uses?.startsWith('actions/checkout@'))
      .filter(({ step }) => step.with?.['persist-credentials'] !== false)
      .map(({ job }) => job),

  'user code and judging code never share a runner label': (workflow, { name }) => {
    const label = name === 'roundhouse.yml' ? 'roundhouse-untrusted' : 'roundhouse-trusted';
    return jobs(workflow)
      .filter(([, job]) => JSON.stringify(job['runs-on']) !== JSON.stringify(['self-hosted', label]))
      .map(([job]) => job);
  },

  'secrets are for the deploy workflow alone': (_, { name, text }) => {
    const named = [...text.matchAll(/secrets\.(\w+)|secrets\[|toJSON\(secrets/g)].map(([whole]) => whole);
    const allowed = name === 'roundhouse-deploy.yml' ? ['secrets.ROUNDHOUSE_SUPERVISOR_TOKEN'] : [];
    return named.filter((secret) => !allowed.includes(secret));
  },

  'an environment makes no deployment of its own, and only deploy has one': (workflow, { name }) =>
    jobs(workflow).flatMap(([job, { environment }]) => {
      if (environment === undefined) return [];
      return name === 'roundhouse-deploy.yml' && environment.deployment === false ? [] : [job];
    }),

  'only the app and the clock start it': (workflow, { name }) => {
    const allowed =
      name === 'roundhouse-monitor.yml' ? ['schedule', 'workflow_dispatch'] : ['workflow_dispatch'];
    return Object.keys(workflow.on ?? {}).filter((event) => !allowed.includes(event));
  },

  'every job ends': (workflow) =>
    jobs(workflow)
      .filter(([, job]) => typeof job['timeout-minutes'] !== 'number')
      .map(([job]) => job),

  'evidence that is missing fails the job': (workflow) =>
    steps(workflow)
      .filter(({ step }) => step.uses?.startsWith('actions/upload-artifact@'))
      .filter(
        ({ step }) =>
          step.with?.['if-no-files-found'] !== 'error' || !String(step.with?.name).startsWith('evidence-'),
      )
      .map(({ job }) => job),
} satisfies Record<string, WorkflowRule>;

export function readWorkflow(text: string): Workflow {
  return parse(text) as Workflow;
}

export function stepsOf(workflow: Workflow): { job: string; step: Step }[] {
  return steps(workflow);
}
