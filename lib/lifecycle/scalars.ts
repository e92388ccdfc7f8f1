import { z } from 'zod';

/** `sha256:` and 64 lower-case hex characters. */
export type Digest = `sha256:${string}`;
export const digestSchema = z.templateLiteral(['sha256:', z.string().regex(/^[0-9a-f]{64}$/)], {
  error: 'must be sha256: and 64 lower-case hex characters',
});

function nameSchema() {
  return z
    .string()
    .regex(
      /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/,
      'must be 1 to 40 of a-z, 0-9 and -, and start and end with a letter or digit',
    );
}

/** A name of a registered model: the part before `@` or `#` in a registry tag, and a folder under `models/`. */
export const modelNameSchema = nameSchema();
/** The part after `#` in a registry tag. */
export const environmentNameSchema = nameSchema();
export const gitShaSchema = z.string().regex(/^[0-9a-f]{40}$/, 'must be a full 40-hex commit SHA');
export const semverSchema = z.string().regex(/^\d+\.\d+\.\d+$/, 'must be a version such as 1.2.0');
export const instantSchema = z.iso.datetime({
  offset: true,
  error: 'must be an ISO 8601 instant such as 2012-01-01T00:00:00Z',
});
/** [from, until) */
export const windowSchema = z.strictObject({ from: instantSchema, until: instantSchema });
export const loginSchema = z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})$/, 'must be a GitHub login');
export const roleNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,38}$/, 'must be a role name such as ml-lead');

const MOST_NAME_CHARACTERS = 200;

/**
 * Why a text can't be the name of a column, behind "the name"; null where it can. Names stand in YAML keys,
 * JSON keys, SQL and Markdown, all of which can quote any text on one line.
 */
export function columnNameFault(name: string): string | null {
  if (name === '') return 'is empty';
  if (name.length > MOST_NAME_CHARACTERS) return `has more than ${MOST_NAME_CHARACTERS} characters`;
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(name)) return 'holds a line end or another control character';
  if (/\p{Cs}/u.test(name)) return 'holds half of a character';
  return name === '__proto__' ? 'is a word of JavaScript that no object can hold' : null;
}

export const columnSchema = z.string().superRefine((name, context) => {
  const fault = columnNameFault(name);
  if (fault !== null) context.addIssue({ code: 'custom', message: `a column's name ${fault}` });
});
export const urlSchema = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });

/** ISO 8601 durations of fixed length: weeks, days, hours, minutes, seconds. Months and years have no fixed length. */
export const durationSchema = z
  .string()
  .regex(
    /^P(?!$)(\d+W)?(\d+D)?(T(?!$)(\d+H)?(\d+M)?(\d+S)?)?$/,
    'must be a duration such as P28D or PT10M (no months or years: their length varies)',
  );

/** `1%` of the other's value, or an absolute number in the metric's unit. */
export const marginSchema = z.union([
  z.number().nonnegative(),
  z.string().regex(/^\d+(\.\d+)?%$/, 'must be a number or a share such as 1%'),
]);
export type Margin = z.infer<typeof marginSchema>;

/**
 * A schema seen through the values that parsing lets through: kinds that are refused as not built yet are
 * part of the schema, for their message, and never part of a parsed value.
 */
export function onlyBuilt<Built>(schema: z.ZodType): z.ZodType<Built> {
  return schema as z.ZodType<Built>;
}

/** A value that the vocabulary knows and this release refuses by name, so that no half feature is ever run. */
export function notBuiltYet<const Value extends string>(value: Value, instead: string) {
  return z.literal(value).refine(() => false, { error: `"${value}" is not built yet: ${instead}` });
}
