import { isDeepStrictEqual } from 'node:util';
import type { Json } from './expression.ts';

export type Combination = Record<string, Json>;

/** GitHub's limit on jobs that one matrix may make. */
const maxJobs = 256;

/**
 * Expands `strategy.matrix` as GitHub documents it: the product of the vectors, less what an `exclude` entry
 * matches, then each `include` entry extends the combinations whose own values it does not contradict, or
 * becomes a combination of its own.
 */
export function expandMatrix(matrix: Json): Combination[] {
  const { include = [], exclude = [], ...vectors } = asObject(matrix, 'matrix');
  const product = Object.entries(vectors).reduce<Combination[]>(
    (combinations, [name, values]) =>
      combinations.flatMap((combination) =>
        asVector(values, name).map((value) => ({ ...combination, [name]: value })),
      ),
    [{}],
  );
  const excluded = asList(exclude, 'exclude').map((entry) => asObject(entry, 'exclude'));
  const own =
    Object.keys(vectors).length === 0
      ? []
      : product.filter((one) => !excluded.some((entry) => matches(one, entry)));
  const combinations = withIncludes(own, asList(include, 'include'));
  if (combinations.length === 0) throw new Error('Matrix does not contain any values.');
  if (combinations.length > maxJobs)
    throw new Error(`Matrix makes ${combinations.length} jobs; at most ${maxJobs} are allowed.`);
  return combinations;
}

/** `train (a, 1)`: how GitHub names a job of a matrix that gives itself no name. */
export function matrixJobName(id: string, combination: Combination): string {
  const values = Object.values(combination).map((value) =>
    typeof value === 'object' ? JSON.stringify(value) : String(value),
  );
  return values.length === 0 ? id : `${id} (${values.join(', ')})`;
}

function withIncludes(own: Combination[], include: Json[]): Combination[] {
  const extended = own.map((combination) => ({ ...combination }));
  const added: Combination[] = [];
  for (const entry of include.map((item) => asObject(item, 'include'))) {
    const targets = extended.filter((_, at) => agrees(own[at] ?? {}, entry));
    if (targets.length === 0) added.push({ ...entry });
    for (const target of targets) Object.assign(target, entry);
  }
  return [...extended, ...added];
}

function agrees(own: Combination, entry: Combination): boolean {
  return Object.entries(own).every(
    ([name, value]) => !(name in entry) || isDeepStrictEqual(entry[name], value),
  );
}

function matches(combination: Combination, entry: Combination): boolean {
  return Object.entries(entry).every(([name, value]) => isDeepStrictEqual(combination[name], value));
}

function asVector(value: Json, name: string): Json[] {
  if (!Array.isArray(value)) throw new Error(`Matrix vector '${name}' is not a list.`);
  if (value.length === 0) throw new Error(`Matrix vector '${name}' does not contain any values.`);
  return value;
}

function asList(value: Json, name: string): Json[] {
  if (!Array.isArray(value)) throw new Error(`Matrix '${name}' is not a list.`);
  return value;
}

function asObject(value: Json, name: string): Record<string, Json> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`Matrix '${name}' is not a mapping.`);
  return value;
}
