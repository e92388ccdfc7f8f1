import { z } from 'zod';
import { notBuiltYet, onlyBuilt } from './scalars.ts';

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
export const inputSchema = onlyBuilt<Input>(anyInput);
