import type { Data } from './data.ts';
import { dialectOf, isLoggedColumn, LOGGED_COLUMNS } from './data-source.ts';
import { DIRECTION, RANGE } from './estimate.ts';
import type { Model } from './model.ts';
import type { Operate } from './operate.ts';
import type { Policy } from './policy.ts';
import { CLASSIFICATION_METRICS, type Metric, type Problem, REGRESSION_METRICS } from './problem.ts';

/** A rule between values, which no schema of one value can state. `path` leads to the value at fault. */
export type ConfigFault = { path: (string | number)[]; message: string };

export function checkPolicy(policy: Policy): ConfigFault[] {
  const roles = Object.keys(policy.roles);
  const names = policy.environments.map(({ name }) => name);
  return [
    ...Object.entries(policy.approvals).flatMap(([action, rule]) =>
      rule === undefined ? [] : ruleFaults(rule, ['approvals', action], { roles, environments: names }),
    ),
    ...soloFaults(policy),
    ...Object.entries(policy.holds ?? {}).flatMap(([action, asked]) =>
      roleFaults(asked ?? [], ['holds', action], roles),
    ),
    ...duplicates(names, (index) => ['environments', index, 'name']),
    ...duplicates(
      policy.standing_approvals.map(({ model }) => model),
      (index) => ['standing_approvals', index, 'model'],
    ),
    ...policy.environments.flatMap(({ promotes_from: from }, index) =>
      from === null || names.slice(0, index).includes(from)
        ? []
        : [
            {
              path: ['environments', index, 'promotes_from'],
              message: `environment "${from}" must be listed before this one`,
            },
          ],
    ),
  ];
}

/** These are done by the first who says so: a rule that asks for more would promise what nothing holds. */
function soloFaults({ approvals }: Policy): ConfigFault[] {
  return (['deploy', 'ok-to-train'] as const).flatMap((action) => {
    const rule = approvals[action];
    if (rule === undefined) return [];
    const { by_risk = {}, by_environment = {} } = { by_risk: {}, by_environment: {}, ...rule };
    const variants: [string[], WrittenRule | undefined][] = [
      [[], rule],
      ...Object.entries(by_risk).map(([name, one]): [string[], WrittenRule] => [['by_risk', name], one]),
      ...Object.entries(by_environment).map(([name, one]): [string[], WrittenRule] => [
        ['by_environment', name],
        one,
      ]),
    ];
    return variants
      .filter(([, one]) => one !== undefined && one.required > 1)
      .map(([path]) => ({
        path: ['approvals', action, ...path, 'required'],
        message: `more than one person for /${action} is not built yet: leave it 1`,
      }));
  });
}

type WrittenRule = { roles: string[]; required: number; distinct_roles?: boolean | undefined };
type Variants = Record<string, WrittenRule | undefined>;
type Known = { roles: string[]; environments: string[] };

function ruleFaults(
  rule: WrittenRule & { by_risk?: Variants | undefined; by_environment?: Variants | undefined },
  path: (string | number)[],
  known: Known,
): ConfigFault[] {
  const { roles, required, distinct_roles, by_risk = {}, by_environment = {} } = rule;
  const variants = (kind: string, rules: Variants) =>
    Object.entries(rules).flatMap(([name, variant]) =>
      variant === undefined ? [] : ruleFaults(variant, [...path, kind, name], known),
    );
  const unknown = Object.keys(by_environment).filter((name) => !known.environments.includes(name));
  return [
    ...roleFaults(roles, [...path, 'roles'], known.roles),
    ...(distinct_roles && new Set(roles).size < required
      ? [
          {
            path: [...path, 'required'],
            message: `${required} distinct roles are asked for, and ${new Set(roles).size} are named`,
          },
        ]
      : []),
    ...unknown.map((name) => ({
      path: [...path, 'by_environment', name],
      message: `environment "${name}" is not defined; defined environments: ${known.environments.join(', ')}`,
    })),
    ...variants('by_risk', by_risk),
    ...variants('by_environment', by_environment),
  ];
}

function roleFaults(asked: string[], path: (string | number)[], roles: string[]): ConfigFault[] {
  return asked.flatMap((role, index) =>
    roles.includes(role)
      ? []
      : [
          {
            path: [...path, index],
            message: `role "${role}" is not defined; defined roles: ${roles.join(', ')}`,
          },
        ],
  );
}

export function checkProblem(problem: Problem): ConfigFault[] {
  const metrics: readonly Metric[] =
    problem.task.kind === 'regression' ? REGRESSION_METRICS : CLASSIFICATION_METRICS;
  const fits = (metric: Metric, path: (string | number)[]): ConfigFault[] =>
    metrics.includes(metric)
      ? []
      : [{ path, message: `"${metric}" does not fit ${problem.task.kind}; these do: ${metrics.join(', ')}` }];
  return [
    ...problem.success.flatMap(({ metric }, index) => fits(metric, ['success', index, 'metric'])),
    ...problem.gates.flatMap((gate, index) => fits(gate.metric, ['gates', index, 'metric'])),
    ...problem.gates.flatMap((gate, index) =>
      gate.kind === 'threshold' && (gate.at_most === undefined) === (gate.at_least === undefined)
        ? [{ path: ['gates', index], message: 'a threshold needs either at_most or at_least' }]
        : [],
    ),
    ...duplicates(
      problem.gates.map(({ name }) => name),
      (index) => ['gates', index, 'name'],
    ),
    ...problem.success.flatMap(successFaults),
    ...valueFaults(problem),
  ];
}

function successFaults(
  { metric, direction, threshold, slice }: Problem['success'][number],
  index: number,
): ConfigFault[] {
  const [least, most] = RANGE[metric];
  const better = DIRECTION[metric] === 'minimize' ? 'lower' : 'higher';
  const hint = most === 1 && threshold > 1 && threshold <= 100 ? `: did you mean ${threshold / 100}?` : '';
  return [
    ...(direction === DIRECTION[metric]
      ? []
      : [
          {
            path: ['success', index, 'direction'],
            message: `of ${metric} ${better} is better: ${DIRECTION[metric]}`,
          },
        ]),
    ...(threshold >= least && threshold <= most
      ? []
      : [
          {
            path: ['success', index, 'threshold'],
            message: `${metric} is never ${threshold}; it lies between ${least} and ${most}${hint}`,
          },
        ]),
    ...(index === 0 && slice !== null
      ? [{ path: ['success', 0, 'slice'], message: 'the first success metric is on all rows' }]
      : []),
  ];
}

function valueFaults({ value, task }: Problem): ConfigFault[] {
  if (value === null) return [];
  const expected = task.kind === 'regression' ? 'numbers' : 'classes';
  const fault = (path: string, message: string) => [{ path: ['value', path], message }];
  if (value.kind !== expected) return fault('kind', `a ${task.kind} task has its value by "${expected}"`);
  if (value.kind === 'numbers') return [];
  if (value.unit === '') return fault('unit', 'say in which unit, such as EUR');
  const { cost } = value;
  const classes = [
    ...new Set(Object.entries(cost).flatMap(([actual, row]) => [actual, ...Object.keys(row)])),
  ];
  const positive = task.kind === 'binary' ? String(task.positive) : null;
  if (positive !== null && !classes.includes(positive))
    return fault('cost', `it lacks the class "${positive}", which means yes`);
  if (positive !== null && classes.length !== 2)
    return fault('cost', `yes or no has two classes, and it names ${classes.length}: ${classes.join(', ')}`);
  const missing = classes.flatMap((actual) =>
    classes.flatMap((predicted) => (cost[actual]?.[predicted] === undefined ? [[actual, predicted]] : [])),
  );
  const [first] = missing;
  if (!first) return [];
  return fault(
    'cost',
    `it lacks a cost for actual "${first[0]}", predicted "${first[1]}" (0 where it costs nothing)`,
  );
}

export function checkData(data: Data): ConfigFault[] {
  const faults: ConfigFault[] = [
    ...duplicates(
      data.sources.map(({ name }) => name),
      (index) => ['sources', index, 'name'],
    ),
    ...duplicates(data.pipeline, (index) => ['pipeline', index]),
    ...data.sources.flatMap((source, index) =>
      source.kind === 'csv' && source.delimiter === dialectOf(source).quote
        ? [
            {
              path: ['sources', index, 'delimiter'],
              message: 'it quotes cells too: say another `quote:`, or "" for none',
            },
          ]
        : [],
    ),
  ];
  for (const name of Object.keys(data.inputs).filter(isLoggedColumn)) {
    faults.push({
      path: ['inputs', name],
      message: `every prediction log has a column of this name: rename the input in the last step (taken: ${LOGGED_COLUMNS.join(', ')})`,
    });
  }
  if (Object.hasOwn(data.inputs, data.target)) {
    faults.push({ path: ['inputs', data.target], message: 'the target is not an input: it would leak' });
  }
  if (data.split.by === 'time' && data.time === null) {
    faults.push({ path: ['split', 'by'], message: 'a split by time needs `time:`, a timestamp column' });
  }
  if (data.window !== 'all' && data.time === null) {
    faults.push({ path: ['window'], message: 'a window needs `time:`, a timestamp column' });
  }
  if (data.sources.length === 0) return faults;
  if (data.pipeline.length === 0) {
    faults.push({ path: ['pipeline'], message: 'data with sources needs at least one SQL file' });
  }
  if (Object.keys(data.inputs).length === 0) {
    faults.push({ path: ['inputs'], message: 'data with sources needs at least one input' });
  }
  return faults;
}

export function checkModel(model: Model): ConfigFault[] {
  return duplicates(
    model.candidates.map(({ name }) => name),
    (index) => ['candidates', index, 'name'],
  );
}

export function checkOperate(operate: Operate): ConfigFault[] {
  const { environments, strategy } = operate.deployment;
  const { steps } = strategy;
  return [
    ...duplicates(environments, (index) => ['deployment', 'environments', index]),
    ...steps.flatMap(({ weight }, index) =>
      weight > (steps[index - 1]?.weight ?? 0)
        ? []
        : [
            {
              path: ['deployment', 'strategy', 'steps', index, 'weight'],
              message: 'each step must carry more weight than the one before',
            },
          ],
    ),
  ];
}

/** Rules between a model's files: each fault names the file that should give way. */
export function checkAgreement(files: {
  folder: string;
  policy: Policy;
  problem: Problem;
  data: Data;
  operate: Operate;
}): (ConfigFault & { file: 'problem' | 'data' | 'operate' })[] {
  const { folder, policy, problem, data, operate } = files;
  const faults: (ConfigFault & { file: 'problem' | 'data' | 'operate' })[] = [];
  if (problem.model !== folder) {
    faults.push({
      file: 'problem',
      path: ['model'],
      message: `the folder is models/${folder}: they must agree`,
    });
  }
  if (problem.target !== data.target) {
    faults.push({ file: 'data', path: ['target'], message: `problem.yml predicts "${problem.target}"` });
  }
  const known = policy.environments.map(({ name }) => name);
  for (const [index, name] of operate.deployment.environments.entries()) {
    if (known.includes(name)) continue;
    faults.push({
      file: 'operate',
      path: ['deployment', 'environments', index],
      message: `environment "${name}" is not in .github/roundhouse.yml; it has: ${known.join(', ')}`,
    });
  }
  const measured = problem.success.flatMap(({ metric, slice }) => (slice === null ? [metric] : []));
  for (const [index, trigger] of operate.retraining.triggers.entries()) {
    if (trigger.worse_than !== 'threshold') continue;
    if (measured.includes(trigger.metric)) continue;
    faults.push({
      file: 'operate',
      path: ['retraining', 'triggers', index, 'metric'],
      message: `problem.yml sets no success threshold for "${trigger.metric}"; it does for: ${measured.join(', ')}`,
    });
  }
  return faults;
}

function duplicates(names: readonly string[], pathOf: (index: number) => (string | number)[]): ConfigFault[] {
  return names.flatMap((name, index) =>
    names.indexOf(name) < index ? [{ path: pathOf(index), message: `"${name}" is there twice` }] : [],
  );
}
