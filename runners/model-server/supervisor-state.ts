import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { environmentNameSchema, instantSchema, modelNameSchema } from '#lib/lifecycle/scalars.ts';
import { servedVersionSchema } from '#lib/lifecycle/serving.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { draftOf } from '#lib/store/durable-file.ts';

const portSchema = z.int().min(0).max(65_535);

/** `<dir>/supervisor.json`: what must be served, on which ports, whatever happens to the process. */
const supervisorStateSchema = z.strictObject({
  kind: z.literal('roundhouse-supervisor'),
  version: z.literal(1),
  port: portSchema,
  environments: z.record(
    environmentNameSchema,
    z.strictObject({
      port: portSchema,
      models: z.record(
        modelNameSchema,
        z.array(z.strictObject({ ...servedVersionSchema.shape, since: instantSchema })),
      ),
    }),
  ),
});
export type SupervisorState = z.infer<typeof supervisorStateSchema>;

const FILE = 'supervisor.json';

export async function readState(dir: string): Promise<SupervisorState> {
  const path = join(dir, FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { kind: 'roundhouse-supervisor', version: 1, port: 0, environments: {} };
  }
  const parsed = supervisorStateSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new UserError(`${path} is not the state of a supervisor: ${z.prettifyError(parsed.error)}`, {
    fix: 'restore it, or remove it and deploy again',
  });
}

/** Text that is no JSON is as wrong as any other value that does not fit. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Whole or not at all: a kill at any instant leaves the former or the new state. */
export async function writeState(dir: string, state: SupervisorState): Promise<void> {
  const draft = await draftOf(dir, Buffer.from(`${JSON.stringify(state, null, 2)}\n`));
  await draft.keep(join(dir, FILE));
}
