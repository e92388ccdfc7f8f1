import { z } from 'zod';
import {
  columnSchema,
  digestSchema,
  durationSchema,
  environmentNameSchema,
  instantSchema,
  notBuiltYet,
  onlyBuilt,
} from './scalars.ts';

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
const sourceSchema = onlyBuilt<Source>(anySource);

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

const anyInput = z.discriminatedUnion('from', [
  z.strictObject({
    from: z.literal('request'),
    /** `number`: imputed and scaled in the graph. `category`: one-hot in the graph, an unseen value is all zeros. */
    type: z.enum(['number', 'category']),
    meaning: z.string().default(''),
    unit: z.string().default(''),
  }),
  z.strictObject({
    from: notBuiltYet('derived', 'send it with the request, or compute it in the pipeline and send it'),
  }),
  z.strictObject({ from: notBuiltYet('lookup', 'send it with the request') }),
]);
export type Input = Extract<z.infer<typeof anyInput>, { from: 'request' }>;
const inputSchema = onlyBuilt<Input>(anyInput);

/** Rules for one column, in the words of the Open Data Contract Standard 3.1 where it has one. */
const columnRuleSchema = z.strictObject({
  type: z.enum(['integer', 'number', 'string', 'boolean', 'timestamp']),
  required: z.boolean().default(false),
  unique: z.boolean().default(false),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  values: z.array(z.union([z.string(), z.number(), z.boolean()])).optional(),
  severity: z.enum(['error', 'warning']).default('error'),
});
export type ColumnRule = z.infer<typeof columnRuleSchema>;

const windowSchema = z.union([
  z.literal('all'),
  z.strictObject({ last: durationSchema, until: instantSchema }),
]);
export type Window = z.infer<typeof windowSchema>;

/** Which rows judge. A row's part is a pure function of its time or key and of this policy. */
const splitSchema = z.discriminatedUnion('by', [
  z.strictObject({
    by: z.literal('time'),
    /** Length of the recent holdout: the newest rows of the window. */
    recent: durationSchema,
    /** Left out between training rows and holdout. */
    embargo: durationSchema,
    /** Length of the validation part: the newest training rows of the twin; search is judged there. */
    validation: durationSchema,
  }),
  z.strictObject({
    by: z.literal('key'),
    /** Shares of rows by hash of the key. */
    recent: z.number().gt(0).lt(0.5),
    validation: z.number().gt(0).lt(0.5),
  }),
]);
export type Split = z.infer<typeof splitSchema>;

/** What the bootstrap resamples: rows, whole groups, or blocks of time. */
const unitSchema = z.union([
  z.literal('row'),
  z.strictObject({ group: columnSchema }),
  z.strictObject({ block: durationSchema }),
]);
export type Unit = z.infer<typeof unitSchema>;

/** `models/<name>/data.yml`. A file without sources is a draft: no stage is planned. */
export const dataSchema = z.strictObject({
  version: z.literal(1),
  sources: z.array(sourceSchema).default([]),
  /** SQL files in order, relative to the model's folder. Each is one SELECT; its table is named after the file (without a leading number). The last table is the output. */
  pipeline: z
    .array(
      z.string().regex(/^pipeline\/[A-Za-z0-9_-]+\.sql$/, 'must be a file such as pipeline/10-hours.sql'),
    )
    .default([]),
  key: z.array(columnSchema).min(1),
  /** A timestamp column of the pipeline's OUTPUT; null where rows have no time. */
  time: columnSchema.nullable().default(null),
  unit: unitSchema.default('row'),
  target: columnSchema,
  inputs: z.record(columnSchema, inputSchema),
  contract: z
    .strictObject({
      columns: z.record(columnSchema, columnRuleSchema).default({}),
      rows: z.strictObject({ minimum: z.int().min(0).default(1) }).prefault({}),
    })
    .prefault({}),
  labels: z
    .strictObject({
      /** How long after event_time a label is expected: younger windows are pending, never healthy. */
      lag: durationSchema.default('P1D'),
      min_coverage: z.number().min(0).max(1).default(0.8),
    })
    .prefault({}),
  window: windowSchema.default('all'),
  split: splitSchema,
  holdout: z.strictObject({ max_looks: z.int().min(1).default(50) }).prefault({}),
});
export type Data = z.infer<typeof dataSchema>;
