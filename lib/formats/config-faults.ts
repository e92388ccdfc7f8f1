import type { z } from 'zod';
import { nearestOf } from '../lifecycle/nearest.ts';

type Issue = z.core.$ZodIssue;
/** One fault in words: where in the value, and what it is; `key` when it is about a key and not its value. */
export type ValueFault = { path: PropertyKey[]; key?: string; message: string };

/** Faults of a value that a schema refused, each saying what was found, what is expected, and the nearest known word. */
export function faultsOf(schema: z.ZodType, value: unknown, issues: readonly Issue[]): ValueFault[] {
  const notBuilt = new Set(
    issues.filter(isNotBuilt).map(({ path }) => path.slice(0, -1).map(String).join('/')),
  );
  return issues.flatMap((issue) => {
    // A kind that isn't built yet has no known fields: their faults would only hide the real one.
    if (issue.code === 'unrecognized_keys' && notBuilt.has(issue.path.map(String).join('/'))) return [];
    return faultOf(schema, value, issue);
  });
}

function isNotBuilt(issue: Issue): boolean {
  return issue.code === 'custom' && issue.message.includes('is not built yet');
}

function faultOf(schema: z.ZodType, value: unknown, issue: Issue): ValueFault[] {
  const path = [...issue.path];
  const found = valueAt(value, path);
  const name = nameOf(path);
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, path);
    return issue.keys.map((key) => ({
      path,
      key,
      message: `unknown key ${show(key)}${hint(key, known, 'known keys')}`,
    }));
  }
  if (issue.code === 'invalid_union') return unionFaults({ schema, value, issue, found, name });
  if (found === undefined) return [{ path, message: `${name} is missing; expected: ${expectedOf(issue)}` }];
  const values = issue.code === 'invalid_value' ? issue.values.map(String) : [];
  const nearest = values.length > 1 && typeof found === 'string' ? nearestOf(found, values) : null;
  const tail = nearest === null ? '' : `; did you mean "${nearest}"?`;
  if (issue.code === 'custom') return [{ path, message: `${name}: ${issue.message}` }];
  return [{ path, message: `${name} is ${show(found)}; expected: ${expectedOf(issue)}${tail}` }];
}

function unionFaults(facts: {
  schema: z.ZodType;
  value: unknown;
  issue: Extract<Issue, { code: 'invalid_union' }>;
  found: unknown;
  name: string;
}): ValueFault[] {
  const { schema, value, issue, found, name } = facts;
  const path = [...issue.path];
  const options = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
  if (options.length > 0) {
    const what = found === undefined ? `${name} is missing` : `${name} is ${show(found)}`;
    return [{ path, message: `${what}${hint(String(found ?? ''), options, 'expected one of')}` }];
  }
  const inner = issue.errors.map((branch) =>
    branch.map((each) => ({ ...each, path: [...path, ...each.path] })),
  );
  const here = inner.filter((branch) =>
    branch.every((each) => each.path.length > path.length || each.code === 'unrecognized_keys'),
  );
  const closest = here.toSorted((a, b) => a.length - b.length)[0];
  if (closest) {
    const unknown = closest.filter((each) => each.code === 'unrecognized_keys');
    return (unknown.length > 0 ? unknown : closest).flatMap((each) => faultOf(schema, value, each));
  }
  const expected = [...new Set(inner.flatMap((branch) => branch.slice(0, 1).map(expectedOf)))].join(', or ');
  return [{ path, message: `${name} is ${show(found)}; expected: ${expected}` }];
}

const TYPE_WORDS: Record<string, string> = {
  array: 'a list',
  int: 'a whole number',
  object: 'a block of keys',
  record: 'a block of keys',
  string: 'text',
};

function expectedOf(issue: Issue): string {
  if (issue.code === 'invalid_value') {
    return issue.values.length === 1
      ? show(issue.values[0])
      : `one of ${issue.values.map(String).join(', ')}`;
  }
  const standard = /^(Invalid input|Invalid option): expected (.*?)(, received .*)?$/.exec(issue.message);
  if (standard) return TYPE_WORDS[standard[2] ?? ''] ?? `a ${standard[2]}`;
  const size = /^Too (small|big): expected \w+ (?:to have |to be )?(.*)$/.exec(issue.message);
  if (size)
    return (size[2] ?? '')
      .replace('>=', 'at least ')
      .replace('<=', 'at most ')
      .replace(/^([<>])/, '$1 ');
  return issue.message.replace(/^must be /, '');
}

function hint(word: string, known: readonly string[], label: string): string {
  const nearest = nearestOf(word, known);
  if (nearest !== null) return `; did you mean "${nearest}"?`;
  return known.length > 0 ? `; ${label}: ${known.join(', ')}` : '';
}

/** A value as one short line: the text may come from anybody. */
function show(value: unknown): string {
  if (value === null) return 'empty';
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  const line = text.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ');
  const short = line.length > 80 ? `${line.slice(0, 77)}...` : line;
  return typeof value === 'string' ? `"${short}"` : short;
}

export function nameOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the file';
  return path.reduce<string>((name, step) => {
    if (typeof step === 'number') return `${name}[${step}]`;
    return name === '' ? String(step) : `${name}.${String(step)}`;
  }, '');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, step) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, step)
        ? (inner as Record<PropertyKey, unknown>)[step]
        : undefined,
    value,
  );
}

/** Keys that a schema knows at a path, over all branches of its unions. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let here = branchesOf(schema);
  for (const step of path) here = here.flatMap((branch) => childOf(branch, step)).flatMap(branchesOf);
  return [
    ...new Set(here.flatMap((branch) => (branch.def.type === 'object' ? Object.keys(shapeOf(branch)) : []))),
  ];
}

type Def = {
  type: string;
  innerType?: z.ZodType;
  options?: z.ZodType[];
  shape?: Record<string, z.ZodType>;
} & {
  element?: z.ZodType;
  valueType?: z.ZodType;
};
type Branch = { def: Def };

/** The schema without defaults and nullability, one entry per branch of a union. */
function branchesOf(schema: z.ZodType): Branch[] {
  const def = schema.def as unknown as Def;
  if (def.innerType) return branchesOf(def.innerType);
  if (def.options) return def.options.flatMap(branchesOf);
  return [{ def }];
}

function shapeOf({ def }: Branch): Record<string, z.ZodType> {
  return def.shape ?? {};
}

function childOf(branch: Branch, step: PropertyKey): z.ZodType[] {
  const child = shapeOf(branch)[String(step)] ?? branch.def.element ?? branch.def.valueType;
  return child ? [child] : [];
}
