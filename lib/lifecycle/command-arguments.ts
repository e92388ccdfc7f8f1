import { modelNameSchema } from './scalars.ts';
import { parseServingAsk, type ServingAsk } from './serving-ask.ts';
import { parseVersionAsk, type VersionAsk } from './version-ask.ts';

/** What a parser makes of the text behind a command's name; a string says why it was refused. */
export type Parsed<Args> = Args | string;

export type Assignment = { name: string; value: string };

const NO_DIGEST = 'it needs 16 or more hex characters of the digest: copy the line that the comment shows';

export function nothing(rest: string): Parsed<Record<never, never>> {
  return rest === '' ? {} : `it takes no arguments, found "${rest.slice(0, 60)}"`;
}

/** 16 to 64 hex characters, without `sha256:`. */
export function digest(rest: string): Parsed<{ digest: string }> {
  return hexDigest(rest) ?? NO_DIGEST;
}

export function reason(rest: string): Parsed<{ reason: string }> {
  return rest === '' ? 'it needs a reason: `/object <reason>`' : { reason: rest };
}

export function text(rest: string): Parsed<{ text: string }> {
  return rest === '' ? 'it needs a text: `/decide <text>`' : { text: rest };
}

export function digestAndReason(rest: string): Parsed<{ digest: string; reason: string }> {
  const [first = '', why] = splitWord(rest);
  const named = hexDigest(first);
  if (named === null) return NO_DIGEST;
  return why === '' ? 'it needs a reason behind the digest' : { ...named, reason: why };
}

/** A gate's name may have spaces (`mae at most 60`), so it is all that stands before the digest. */
export function gateDigestAndReason(rest: string): Parsed<{ gate: string; digest: string; reason: string }> {
  const [, gate, named, why] = /^(\S.*?)\s+((?:sha256:)?[0-9a-f]{16,64})(?:\s+(.*))?$/i.exec(rest) ?? [];
  if (gate === undefined || named === undefined) {
    return 'it needs a gate, 16 or more hex characters of the digest and a reason: `/override <gate> <digest> <reason>`';
  }
  const found = digestAndReason(`${named} ${why ?? ''}`.trim());
  return typeof found === 'string' ? found : { gate: gate.replace(/^[`"']|[`"']$/g, ''), ...found };
}

/** `v1.2.0`, `1.2.0` or `model@v1.2.0`; nothing names the newest. */
function optionalVersion(rest: string): Parsed<{ model: string | null; version: string | null }> {
  if (rest === '') return { model: null, version: null };
  const [, model, version] = /^(?:([a-z0-9-]+)@)?v?(\d+\.\d+\.\d+)$/.exec(rest) ?? [];
  if (version === undefined) return 'the version must look like 1.2.0 or bikes@v1.2.0';
  if (model === undefined) return { model: null, version };
  return modelNameSchema.safeParse(model).success ? { model, version } : NO_MODEL;
}

/** A version and an environment, either or none: what begins with a digit or a `v` and a digit is a version. */
export function versionAndEnvironment(
  rest: string,
): Parsed<{ model: string | null; version: string | null; environment: string | null }> {
  const words = rest.split(/\s+/).filter((word) => word !== '');
  const isVersion = (word: string) => /^v?\d|@/.test(word);
  const [first = '', ...others] = words;
  const [named, where] = isVersion(first) ? [first, others] : ['', words];
  const version = optionalVersion(named);
  if (typeof version === 'string') return version;
  const [place, ...more] = where;
  if (more.length > 0) return `it takes a version and an environment, found "${rest.slice(0, 60)}"`;
  const found = optionalEnvironment(place ?? '');
  return typeof found === 'string' ? found : { ...version, ...found };
}

/** A version, a model or the digest of anything that belongs to one; nothing names the newest of each model. */
export function versionOrDigest(rest: string): Parsed<VersionAsk> {
  return (
    parseVersionAsk(rest) ??
    'it reads `/why 1.2.0`, `/why bikes@v1.2.0`, `/why bikes`, or 8 or more characters of a digest'
  );
}

export function servingHistory(rest: string): Parsed<ServingAsk> {
  return parseServingAsk(rest);
}

const NO_ENVIRONMENT = 'the environment must be a name such as production';
const NO_MODEL = 'the model must be a name such as bikes';

export function optionalEnvironment(rest: string): Parsed<{ environment: string | null }> {
  return rest === '' ? { environment: null } : environment(rest);
}

export function environment(rest: string): Parsed<{ environment: string }> {
  return /^[a-z0-9-]{1,40}$/.test(rest) ? { environment: rest } : NO_ENVIRONMENT;
}

export function modelAndEnvironment(rest: string): Parsed<{ model: string | null; environment: string }> {
  const words = rest.split(/\s+/);
  const place = environment(words.at(-1) ?? '');
  if (typeof place === 'string' || words.length > 2) return NO_ENVIRONMENT;
  const named = optionalModel(words.length > 1 ? (words[0] ?? '') : '');
  return typeof named === 'string' ? named : { ...named, ...place };
}

export function optionalModel(rest: string): Parsed<{ model: string | null }> {
  if (rest !== '' && !modelNameSchema.safeParse(rest).success) return NO_MODEL;
  return { model: rest === '' ? null : rest };
}

/** All of a commit's name: a shorter one could come to fit another commit. */
export function commit(rest: string): Parsed<{ sha: string }> {
  return /^[0-9a-f]{40}$/.test(rest) ? { sha: rest } : 'it needs all 40 hex characters of the commit';
}

/** `name=value`, none or more; the values stay text until they are held against the schema of the candidate. */
export function assignments(rest: string): Parsed<{ parameters: Assignment[] }> {
  const parameters: Assignment[] = [];
  for (const word of rest.split(/\s+/).filter((part) => part !== '')) {
    const [, name, value] = /^([A-Za-z_][\w.-]{0,60})=(\S{1,100})$/.exec(word) ?? [];
    if (name === undefined || value === undefined) return `"${word.slice(0, 60)}" must look like name=value`;
    if (parameters.some((given) => given.name === name)) return `${name} is given twice`;
    parameters.push({ name, value });
  }
  return { parameters };
}

function hexDigest(word: string): { digest: string } | null {
  const hex = word.replace(/^sha256:/i, '').toLowerCase();
  return /^[0-9a-f]{16,64}$/.test(hex) ? { digest: hex } : null;
}

/** First word and the rest. */
function splitWord(line: string): [string, string] {
  const [, first = '', more = ''] = /^(\S*)\s*(.*)$/.exec(line) ?? [];
  return [first, more];
}
