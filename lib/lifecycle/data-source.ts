import { z } from 'zod';
import { columnSchema, digestSchema, environmentNameSchema, notBuiltYet, onlyBuilt } from './scalars.ts';

const sourceName = z.string().regex(/^[a-z][a-z0-9_]{0,40}$/, 'must be a table name such as history');

export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'] as const;
export const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const;

const delimiterSchema = z
  .string()
  .length(1)
  .refine((delimiter) => !'\0\r\n'.includes(delimiter) && delimiter.charCodeAt(0) < 128, {
    error: 'must be one ASCII character that ends no line',
  });

/** Words of a CSV source that are left out where they say the default: `dialectOf` fills them in. */
const dialectWords = {
  encoding: z.enum(ENCODINGS).optional(),
  compression: z.enum(COMPRESSIONS).optional(),
  /** False where the first line holds values: the columns are then `column1`, `column2` and so on. */
  header: z.boolean().optional(),
  /** The empty text where no character quotes. */
  quote: z.enum(['"', "'", '']).optional(),
  decimal: z.enum(['.', ',']).optional(),
  /** Texts that stand for a missing value, beside the empty one: in every column, and in single ones. */
  missing: z.array(z.string().min(1).max(100)).max(100).optional(),
  missing_by_column: z.record(columnSchema, z.array(z.string().min(1).max(100)).min(1).max(100)).optional(),
};

const anySource = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('csv'),
    name: sourceName,
    /** Bytes in the store. */
    object: digestSchema,
    delimiter: delimiterSchema.default(','),
    ...dialectWords,
    attribution: z.string().default(''),
  }),
  z.strictObject({
    kind: z.literal('parquet'),
    name: sourceName,
    object: digestSchema,
    attribution: z.string().default(''),
  }),
  z.strictObject({
    kind: z.literal('predictions'),
    name: sourceName,
    environment: environmentNameSchema,
    /**
     * A Parquet object that a monitor job took of prediction log and feedback; `none` before the first.
     * Columns: prediction_id, event_time, version, prediction, label, and every input by its name.
     */
    snapshot: z.union([digestSchema, z.literal('none')]),
  }),
  ...(['json', 'https', 's3', 'postgresql', 'sqlite', 'command', 'dvc'] as const).map((kind) =>
    z.strictObject({
      kind: notBuiltYet(
        kind,
        'put the file into the store with `roundhouse init` and use "csv" or "parquet"',
      ),
    }),
  ),
]);
export type Source = Extract<z.infer<typeof anySource>, { kind: 'csv' | 'parquet' | 'predictions' }>;
export const sourceSchema = onlyBuilt<Source>(anySource);

/** How a CSV file is written down: all that has to be known to read it without a guess. */
export type Dialect = {
  delimiter: string;
  header: boolean;
  quote: '"' | "'" | '';
  decimal: '.' | ',';
  encoding: (typeof ENCODINGS)[number];
  compression: (typeof COMPRESSIONS)[number];
  missing: readonly string[];
  missing_by_column: Readonly<Record<string, readonly string[]>>;
};

export const PLAIN_CSV: Dialect = {
  delimiter: ',',
  header: true,
  quote: '"',
  decimal: '.',
  encoding: 'utf-8',
  compression: 'none',
  missing: [],
  missing_by_column: {},
};

/** The dialect of a source as data.yml says it, defaults filled. */
export function dialectOf(source: Extract<Source, { kind: 'csv' }>): Dialect {
  const { delimiter, header, quote, decimal, encoding, compression, missing, missing_by_column } = source;
  return {
    delimiter,
    header: header ?? PLAIN_CSV.header,
    quote: quote ?? PLAIN_CSV.quote,
    decimal: decimal ?? PLAIN_CSV.decimal,
    encoding: encoding ?? PLAIN_CSV.encoding,
    compression: compression ?? PLAIN_CSV.compression,
    missing: missing ?? PLAIN_CSV.missing,
    missing_by_column: missing_by_column ?? PLAIN_CSV.missing_by_column,
  };
}

/** What data.yml has to say of a dialect: the words that differ from the default. */
export function dialectWordsOf(dialect: Dialect): Partial<Dialect> {
  const plain: Record<string, unknown> = PLAIN_CSV;
  return Object.fromEntries(
    Object.entries(dialect).filter(([word, value]) => JSON.stringify(value) !== JSON.stringify(plain[word])),
  );
}

/** Columns that every snapshot of predictions has: an input beside them needs another name. */
export const LOGGED_COLUMNS = [
  'prediction_id',
  'event_time',
  'version',
  'prediction',
  'label',
  'probabilities',
] as const;

/** Whether a name is one of them; SQL takes upper and lower case for one. */
export function isLoggedColumn(name: string): boolean {
  return LOGGED_COLUMNS.some((logged) => logged === name.toLowerCase());
}
