import { stringify } from 'yaml';
import type { z } from 'zod';
import {
  type ConfigFault,
  checkAgreement,
  checkData,
  checkModel,
  checkOperate,
  checkPolicy,
  checkProblem,
} from '../lifecycle/config-checks.ts';
import { type Data, dataSchema } from '../lifecycle/data.ts';
import type { RetrainResult } from '../lifecycle/evidence.ts';
import { type DataLock, dataLockSchema, type ModelLock, modelLockSchema } from '../lifecycle/locks.ts';
import { type Model, modelSchema } from '../lifecycle/model.ts';
import { type Operate, operateSchema } from '../lifecycle/operate.ts';
import type { ParameterChange } from '../lifecycle/parameters.ts';
import { type Policy, policySchema } from '../lifecycle/policy.ts';
import { type Problem, problemSchema } from '../lifecycle/problem.ts';
import { UserError } from '../lifecycle/user-error.ts';
import { faultsOf, nameOf, type ValueFault } from './config-faults.ts';
import { editYaml, type YamlEdit } from './yaml-edit.ts';
import { parseYaml, type TextFault } from './yaml-text.ts';

export type ConfigKinds = {
  policy: Policy;
  problem: Problem;
  data: Data;
  model: Model;
  operate: Operate;
  'data-lock': DataLock;
  'model-lock': ModelLock;
};
export type ConfigKind = keyof ConfigKinds;
/** More are told no more: what is that wrong is another kind of file. */
const MAX_FAULTS = 100;

/** A file's text and the path that faults name. */
export type ConfigText = { file: string; text: string };

const kinds: {
  [Kind in ConfigKind]: {
    schema: z.ZodType<ConfigKinds[Kind]>;
    check: (value: ConfigKinds[Kind]) => ConfigFault[];
  };
} = {
  policy: { schema: policySchema, check: checkPolicy },
  problem: { schema: problemSchema, check: checkProblem },
  data: { schema: dataSchema, check: checkData },
  model: { schema: modelSchema, check: checkModel },
  operate: { schema: operateSchema, check: checkOperate },
  'data-lock': { schema: dataLockSchema, check: () => [] },
  'model-lock': { schema: modelLockSchema, check: () => [] },
};

/**
 * Parses one of the user's files, defaults filled. Throws one UserError that lists every fault as
 * `file:line:column: what`.
 */
export function parseConfig<Kind extends ConfigKind>(kind: Kind, source: ConfigText): ConfigKinds[Kind] {
  const parsed = readConfig(kind, source);
  if (parsed.ok) return parsed.value;
  throw configError(parsed.faults);
}

/** `parseConfig` as a value, for whoever has several files to check. */
export function readConfig<Kind extends ConfigKind>(
  kind: Kind,
  { file, text }: ConfigText,
): { ok: true; value: ConfigKinds[Kind] } | { ok: false; faults: string[] } {
  const yaml = parseYaml(text);
  const place = ({ line, column, message }: TextFault) => `${file}:${line}:${column}: ${message}`;
  const describe = (faults: ValueFault[]) =>
    faults
      .slice(0, MAX_FAULTS)
      .map(({ path, key, message }) => ({ ...yaml.positionOf(path, key), message }))
      .sort((a, b) => a.line - b.line || a.column - b.column)
      .map(place);
  if (yaml.faults.length > 0) return { ok: false, faults: yaml.faults.map(place) };
  const { schema, check } = kinds[kind];
  const result = schema.safeParse(yaml.value);
  if (!result.success) {
    return { ok: false, faults: describe(faultsOf(schema, yaml.value, result.error.issues)) };
  }
  const faults = check(result.data).map(({ path, message }) => ({
    path,
    message: `${nameOf(path)}: ${message}`,
  }));
  return faults.length > 0 ? { ok: false, faults: describe(faults) } : { ok: true, value: result.data };
}

/** A model's four files and the policy, each read whole; the faults of all of them in one error. */
export type ModelFiles = { policy: Policy; problem: Problem; data: Data; model: Model; operate: Operate };

export function parseModelFiles(
  folder: string,
  texts: { [Kind in keyof ModelFiles]: ConfigText },
): ModelFiles {
  const faults: string[] = [];
  const read = <Kind extends keyof ModelFiles>(kind: Kind): ModelFiles[Kind] | null => {
    const parsed = readConfig(kind, texts[kind]);
    if (parsed.ok) return parsed.value as ModelFiles[Kind];
    faults.push(...parsed.faults);
    return null;
  };
  const [policy, problem, data, model, operate] = [
    read('policy'),
    read('problem'),
    read('data'),
    read('model'),
    read('operate'),
  ];
  if (!policy || !problem || !data || !model || !operate) throw configError(faults);
  const disagreements = checkAgreement({ folder, policy, problem, data, operate }).map(
    ({ file, path, message }) => {
      const { line, column } = parseYaml(texts[file].text).positionOf(path);
      return `${texts[file].file}:${line}:${column}: ${nameOf(path)}: ${message}`;
    },
  );
  if (disagreements.length > 0) throw configError(disagreements);
  return { policy, problem, data, model, operate };
}

function configError(faults: string[]): UserError {
  return new UserError(faults.join('\n'), {
    fix: faults.length === 1 ? 'change that line' : `change these ${faults.length} lines`,
  });
}

const LOCK_HEADER =
  '# Written by Roundhouse. It counts only beside recorded evidence: edits by hand are dropped.\n';

/** Text of a lock file; what it parses to is the lock again. */
export function renderLock(lock: DataLock | ModelLock): string {
  return LOCK_HEADER + stringify(lock, { lineWidth: 0 });
}

/**
 * The change that a retraining asks for in data.yml: its window, and the snapshots of its `predictions`
 * sources by name. Only those values are replaced: comments and layout survive byte for byte.
 */
export function editDataYaml(
  { file, text }: ConfigText,
  { window, snapshots }: NonNullable<RetrainResult['change']>,
): string {
  const data = parseConfig('data', { file, text });
  const edits: YamlEdit[] = [{ path: ['window'], value: `{ last: ${window.last}, until: ${window.until} }` }];
  for (const [name, digest] of Object.entries(snapshots)) {
    const index = data.sources.findIndex((source) => source.kind === 'predictions' && source.name === name);
    if (index === -1)
      throw new UserError(`${file} has no "predictions" source named "${name}"`, { fix: 'add it' });
    edits.push({ path: ['sources', index, 'snapshot'], value: digest });
  }
  const edited = editYaml(text, edits);
  parseConfig('data', { file, text: edited });
  return edited;
}

/** Other parameters in model.yml, as `parameterChanges` found them; what comes out is valid. */
export function editModelYaml({ file, text }: ConfigText, changes: readonly ParameterChange[]): string {
  const edited = editYaml(
    text,
    changes.map(({ path, after }) => ({ path, value: JSON.stringify(after) })),
  );
  parseConfig('model', { file, text: edited });
  return edited;
}
