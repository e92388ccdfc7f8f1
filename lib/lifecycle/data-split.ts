import { z } from 'zod';
import { durationSchema } from './scalars.ts';

/** Which rows judge. A row's part is a pure function of its time or key and of this policy. */
export const splitSchema = z.discriminatedUnion('by', [
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
