import { z } from 'zod';
import type { Assignment } from './command-arguments.ts';
import { type Candidate, type Model, modelSchema } from './model.ts';

/** One value of model.yml that is to be another. `path` leads to it; `before` is undefined where none stood there. */
export type ParameterChange = { path: (string | number)[]; name: string; before: unknown; after: unknown };

/** Words of a network that say what it is, not how it is trained. */
const FIXED = ['trainer', 'name'];

/**
 * What `/train l2=0.01 mlp.epochs=80 seed=3` changes in model.yml, or why it can't: a name alone is meant for every
 * candidate that has the parameter, `candidate.parameter` for one, `seed` for all of them.
 */
export function parameterChanges(
  model: Model,
  assignments: readonly Assignment[],
): { changes: ParameterChange[] } | string {
  const changes: ParameterChange[] = [];
  for (const { name, value } of assignments) {
    const found = changesOf(model, name, parsedValue(value));
    if (typeof found === 'string') return found;
    changes.push(...found);
  }
  const changed = structuredClone(model) as unknown as Record<string, unknown>;
  for (const { path, after } of changes) setAt(changed, path, after);
  const checked = modelSchema.safeParse(changed);
  if (!checked.success) return `model.yml would not be valid: ${reasonOf(checked.error, changes)}`;
  return { changes: changes.filter(({ before, after }) => JSON.stringify(before) !== JSON.stringify(after)) };
}

function changesOf(model: Model, name: string, after: unknown): ParameterChange[] | string {
  if (name === 'seed') return [{ path: ['seed'], name, before: model.seed, after }];
  const dot = name.indexOf('.');
  const [of, parameter] = dot === -1 ? [null, name] : [name.slice(0, dot), name.slice(dot + 1)];
  const found = model.candidates.flatMap((candidate, index) => {
    if (of !== null && candidate.name !== of) return [];
    const place = placeOf(candidate, parameter, of !== null);
    if (place === null) return [];
    const before = valueAt(candidate, place);
    return [
      {
        path: ['candidates', index, ...place],
        name: `${parameter} of ${candidate.name}`,
        before,
        after: Array.isArray(before) && !Array.isArray(after) ? [after] : after,
      },
    ];
  });
  return found.length > 0 ? found : unknown(model, of, parameter);
}

/** Where a candidate keeps a parameter; null where it has none of that name. A new one of a program has to be asked for by the candidate's name. */
function placeOf(candidate: Candidate, parameter: string, isNamed: boolean): string[] | null {
  if (parameter in Object.prototype) return null;
  if (candidate.trainer === 'command') {
    return isNamed || Object.hasOwn(candidate.params, parameter) ? ['params', parameter] : null;
  }
  return parametersOf(candidate).includes(parameter) ? [parameter] : null;
}

function parametersOf(candidate: Candidate): string[] {
  if (candidate.trainer === 'command') return Object.keys(candidate.params);
  return Object.keys(candidate).filter((word) => !FIXED.includes(word));
}

function unknown({ candidates }: Model, of: string | null, parameter: string): string {
  const names = candidates.map(({ name }) => name);
  if (of !== null && !names.includes(of)) {
    return `model.yml has no candidate "${of}": it has ${names.join(', ') || 'none'}`;
  }
  const known = candidates
    .filter(({ name }) => of === null || name === of)
    .map((candidate) => `${candidate.name} (${parametersOf(candidate).join(', ') || 'none'})`);
  return `no candidate has a parameter "${parameter}": there are seed; ${known.join('; ')}`;
}

/** As YAML would read it: a number, true, false, a list by commas, else a text. */
function parsedValue(text: string): unknown {
  const list = /^\[?([^[\]]*,[^[\]]*)\]?$/.exec(text) ?? /^\[([^[\],]+)\]$/.exec(text);
  if (list) return (list[1] ?? '').split(',').map(parsedValue);
  if (text === 'true' || text === 'false') return text === 'true';
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : text;
}

function valueAt(from: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce((at: unknown, key) => (at as Record<string | number, unknown>)[key], from);
}

function setAt(into: Record<string, unknown>, path: readonly (string | number)[], value: unknown): void {
  const parent = valueAt(into, path.slice(0, -1)) as Record<string | number, unknown>;
  Object.defineProperty(parent, path.at(-1) ?? '', { value, enumerable: true, writable: true });
}

function reasonOf(error: z.ZodError, changes: ParameterChange[]): string {
  const [issue] = error.issues;
  const at = issue?.path.join('.') ?? '';
  const change = changes.find(({ path }) => at.startsWith(path.join('.')));
  const what = change ? `${change.name} = ${JSON.stringify(change.after)}` : at;
  return `${what}: ${issue?.message ?? z.prettifyError(error)}`;
}
