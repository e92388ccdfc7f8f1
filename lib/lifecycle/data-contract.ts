import { z } from 'zod';
import { columnSchema } from './scalars.ts';

/** Rules for one column, in the words of the Open Data Contract Standard 3.1 where it has one. */
export const columnRuleSchema = z.strictObject({
  type: z.enum(['integer', 'number', 'string', 'boolean', 'timestamp']),
  required: z.boolean().default(false),
  unique: z.boolean().default(false),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  values: z.array(z.union([z.string(), z.number(), z.boolean()])).optional(),
  severity: z.enum(['error', 'warning']).default('error'),
});
export type ColumnRule = z.infer<typeof columnRuleSchema>;

export const contractSchema = z
  .strictObject({
    columns: z.record(columnSchema, columnRuleSchema).default({}),
    rows: z.strictObject({ minimum: z.int().min(0).default(1) }).prefault({}),
  })
  .prefault({});
export type Contract = z.infer<typeof contractSchema>;
