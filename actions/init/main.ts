import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { type Digest, modelNameSchema } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { digestOfFile, fullDisk } from '#lib/store/durable-file.ts';
import type { Store } from '#lib/store/store.ts';
import { type RepositoryFile, type RepositoryOptions, repositoryFiles } from '../../templates/repository.ts';
import { modelFiles } from './model-files.ts';
import { type ModelReport, reportOf } from './report.ts';
import type { ModelRequest } from './request.ts';
import { understandFile } from './understand.ts';

export type InitInputs = {
  /** Root of the user's repository: absolute. */
  root: string;
  repository: RepositoryOptions;
  /** Null writes no model. */
  model: (Omit<ModelRequest, 'name'> & { data: string; name: string | null }) | null;
};

/** What `init` does, as a value: `--dry-run` prints it. Without data there is nothing to report on. */
export type InitPlan = Partial<ModelReport> & {
  write: RepositoryFile[];
  /** Files that are there already: they are never overwritten. */
  keep: string[];
  object: { file: string; digest: Digest } | null;
  notes: string[];
};

export async function planInit({ root, repository, model }: InitInputs, scratch: string): Promise<InitPlan> {
  const made = model ? await planModel(model, scratch) : { files: [], notes: [], object: null, report: {} };
  const files = [...repositoryFiles(repository), ...made.files];
  const isThere = ({ path }: RepositoryFile) => existsSync(join(root, path));
  return {
    ...made.report,
    write: files.filter((file) => !isThere(file)),
    keep: files.filter(isThere).map(({ path }) => path),
    object: made.object,
    notes: made.notes,
  };
}

async function planModel(model: NonNullable<InitInputs['model']>, scratch: string) {
  const { data } = model;
  if (!existsSync(data)) throw new UserError(`there is no file ${data}`, { fix: 'check --data' });
  const name = model.name ?? nameOf(data);
  if (!modelNameSchema.safeParse(name).success) {
    throw new UserError(`"${name}" is no name of a model`, {
      fix: 'give --name with a to z, 0 to 9 and hyphens',
    });
  }
  const known = await understandFile(data, { ...model, name }, scratch);
  const digest = await digestOf(data);
  return {
    files: modelFiles(known, { name, object: digest }),
    notes: known.notes,
    object: { file: data, digest },
    report: reportOf(known),
  };
}

async function digestOf(file: string): Promise<Digest> {
  const handle = await open(file);
  try {
    return await digestOfFile(handle);
  } finally {
    await handle.close();
  }
}

function nameOf(file: string): string {
  return basename(file, extname(file))
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
}

/** Executes a plan: the bytes first, then each file whole. Run twice, the second time finds nothing to do. */
export async function executeInit(
  plan: InitPlan,
  { root, store }: { root: string; store: Pick<Store, 'putFile'> },
): Promise<void> {
  if (plan.object) await store.putFile(plan.object.file);
  for (const { path, text } of plan.write) {
    const file = join(root, path);
    const draft = `${file}.${process.pid}.tmp`;
    try {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(draft, text, { flag: 'wx' });
      await rename(draft, file);
    } catch (error) {
      throw fullDisk(error, root) ?? error;
    } finally {
      await rm(draft, { force: true });
    }
  }
}
