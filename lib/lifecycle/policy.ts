import { z } from 'zod';
import { durationMs } from './duration.ts';
import {
  durationSchema,
  environmentNameSchema,
  loginSchema,
  modelNameSchema,
  notBuiltYet,
  onlyBuilt,
  roleNameSchema,
  urlSchema,
} from './scalars.ts';

const roleSchema = z.strictObject({
  people: z.array(loginSchema).default([]),
  /** Team slugs of the organisation; a user's own repository has none. */
  teams: z.array(z.string()).default([]),
});

/** Risk tiers, the lowest first: problem.yml says which a model is in. */
export const RISKS = ['low', 'medium', 'high'] as const;
export type Risk = (typeof RISKS)[number];

/** N of M: `required` distinct people, each of whom holds one of `roles`. What is left out is `filledRule`'s. */
const rule = {
  required: z.int().min(1).max(20),
  roles: z.array(roleNameSchema).min(1),
  /** No two of the people count for the same role. */
  distinct_roles: z.boolean().optional(),
  /** Whoever opened, committed or caused it doesn't count. */
  exclude_author: z.boolean().optional(),
  /** How long an approval counts. */
  expires: durationSchema.optional(),
};
const by_risk = z.partialRecord(z.enum(RISKS), z.strictObject(rule)).optional();
const by_environment = z.record(environmentNameSchema, z.strictObject(rule)).optional();

const ruleOfModel = z.strictObject({ ...rule, by_risk });
const ruleOfEnvironment = z.strictObject({ ...rule, by_risk, by_environment }).optional();
const ruleOfRepository = z.strictObject(rule).optional();

const anyTarget = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('process'),
    /** Control address of the supervisor; its bearer token comes from ROUNDHOUSE_SUPERVISOR_TOKEN. */
    url: urlSchema,
  }),
  z.strictObject({ kind: notBuiltYet('compose', 'use "process"') }),
  z.strictObject({ kind: notBuiltYet('kubernetes', 'use "process"') }),
  z.strictObject({ kind: notBuiltYet('kserve', 'use "process"') }),
  z.strictObject({ kind: notBuiltYet('command', 'use "process"') }),
  z.strictObject({ kind: notBuiltYet('batch', 'use "process"') }),
]);
export type Target = Extract<z.infer<typeof anyTarget>, { kind: 'process' }>;
export const targetSchema = onlyBuilt<Target>(anyTarget);

const environmentSchema = z.strictObject({
  name: environmentNameSchema,
  promotes_from: environmentNameSchema.nullable().default(null),
  target: targetSchema,
});

/** The workflow files name these labels themselves, so other ones would be promised here and not asked for there. */
function runnerLabels(trust: 'untrusted' | 'trusted') {
  const labels = ['self-hosted', `roundhouse-${trust}`];
  return z
    .array(z.string())
    .refine((asked) => asked.join() === labels.join(), {
      error: `other labels are not built yet: leave them out, and give your runners ${labels.join(' and ')}`,
    })
    .default(labels);
}

function nameOfMain(variable: string) {
  return z
    .string()
    .refine((name) => name === 'main', {
      error: ({ input }) => `"${input}" is not built yet: leave it "main" and set ${variable}`,
    })
    .default('main');
}

const remindersSchema = z.strictObject({
  /** From the first question on. */
  after: durationSchema,
  every: durationSchema
    .refine((every) => durationMs(every) > 0, { error: 'must be longer than nothing' })
    .default('P3D'),
  at_most: z.int().min(1).max(10).default(3),
});

const standingSchema = z.strictObject({
  model: modelNameSchema,
  /** Versions that one approval of the procedure is good for. */
  max_versions: z.int().min(1).max(100),
  /** How long it counts, from the approval that completed it. */
  expires: durationSchema,
});
export type StandingTerms = z.infer<typeof standingSchema>;

const limitsSchema = z
  .strictObject({
    runs_per_day: z.int().min(1).optional(),
    /** Of self-hosted runners: GitHub does not say which of them have a GPU. */
    gpu_minutes_per_day: z.int().min(1).optional(),
  })
  .refine((limits) => Object.keys(limits).length > 0, {
    error: 'says no limit: runs_per_day, gpu_minutes_per_day, or both',
  })
  .optional();

/** `.github/roundhouse.yml`, read from the base branch only. */
export const policySchema = z.strictObject({
  version: z.literal(1),
  roles: z.record(roleNameSchema, roleSchema),
  /** Left out, an action is decided as `requirementOf` says. No default is filled in here: it would move digests. */
  approvals: z.strictObject({
    problem: ruleOfModel,
    /** A candidate whose gates passed. */
    model: ruleOfModel,
    /** On top of `model`, for each gate that is inconclusive and says `ask`. */
    inconclusive: ruleOfModel,
    /** Who may give the command of that name. */
    deploy: ruleOfEnvironment,
    promote: ruleOfEnvironment,
    rollback: ruleOfEnvironment,
    override: ruleOfEnvironment,
    unfreeze: ruleOfEnvironment,
    'ok-to-train': ruleOfRepository,
    /** A pull request that changes this file. */
    policy: ruleOfRepository,
    /** The procedure of a retraining, in advance (`standing_approvals`). Left out, `model`. */
    standing: ruleOfRepository,
  }),
  /** Who waits too long is reminded, by a comment each time; null = never. */
  reminders: remindersSchema.nullable().default(null),
  /** Roles that may place and lift a hold; left out, whoever has write permission. */
  holds: z
    .strictObject({
      hold: z.array(roleNameSchema).min(1).optional(),
      unhold: z.array(roleNameSchema).min(1).optional(),
    })
    .optional(),
  /** Where `/decide` writes: onto the branch of the pull request where it was said, or a pull request of its own. */
  decisions: z.enum(['commit', 'pr']).default('commit'),
  environments: z.array(environmentSchema).min(1),
  runners: z
    .strictObject({ untrusted: runnerLabels('untrusted'), trusted: runnerLabels('trusted') })
    .prefault({}),
  /** A name: the address is the variable ROUNDHOUSE_STORE_<NAME> of each process, never a committed path. */
  store: nameOfMain('ROUNDHOUSE_STORE_MAIN'),
  /** Likewise ROUNDHOUSE_LOGS_<NAME>: the root of the prediction log. */
  logs: nameOfMain('ROUNDHOUSE_LOGS_MAIN'),
  /** What training may use on a day (UTC): all of it, and that of each model. Left out, as much as is asked for. */
  budgets: z.strictObject({ repository: limitsSchema, each_model: limitsSchema }).optional(),
  /** How long an `/override` counts; left out, one day. */
  overrides: z.strictObject({ expires: durationSchema }).optional(),
  /** Models whose retraining people may approve in advance, as a procedure. */
  standing_approvals: z.array(standingSchema).default([]),
  pace: z
    .strictObject({
      /** Seconds that the app collects records for before it commits them to the branch `roundhouse`. */
      batch_seconds: z.number().min(0).max(60).default(10),
    })
    .prefault({}),
});
export type Policy = z.infer<typeof policySchema>;
export type Environment = Policy['environments'][number];
