import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseConfig } from '#lib/formats/config.ts';
import { digestOf, digestOfJson } from '#lib/formats/digest.ts';
import { printTagName, renderTagMessage } from '#lib/formats/registry-tags.ts';
import { problemYaml } from '#lib/formats/skeleton.ts';
import { type EvidenceStage, type Statement, statementSchemas } from '#lib/lifecycle/evidence.ts';
import type { ModelLock } from '#lib/lifecycle/locks.ts';
import { openFileStore } from '#lib/store/file.ts';
import { openContext, type StageContext } from '../../actions/kit/context.ts';
import { openDeps } from '../../actions/kit/deps.ts';
import { evaluated } from '../../actions/kit/judged.ts';
import { planned } from '../../actions/kit/planned.ts';
import { silentProgress } from '../../actions/kit/progress.ts';
import { cardFiles, writeCardFiles } from '../../actions/model-card/files.ts';
import { stages } from '../../actions/stages.ts';
import { modelFiles } from '../../runners/local/demo/repository.ts';
import { bikesCsv } from '../../runners/local/demo/rows.ts';
import { repositoryFiles } from '../../templates/repository.ts';
import { bikesProblem, options as repositoryOptions } from '../formats/bikes.ts';

type Options = Record<string, string>;
export type HonestCheckout = {
  root: string;
  workspace: string;
  store: ReturnType<typeof openFileStore>;
  env: Record<string, string>;
  /** Runs a stage as the terminal does and keeps its evidence. */
  stage<Stage extends EvidenceStage>(
    name: Stage,
    setting?: { options?: Options; env?: Options },
  ): Promise<Statement<Stage>['predicate']['result']>;
  /** Locks and cards, committed. */
  card(): Promise<void>;
  /** Evidence as it was left in the checkout. */
  statement<Stage extends EvidenceStage>(stage: Stage, file?: string): Statement<Stage>;
  /** Changes with any byte of the evidence. */
  evidenceDigest(): string;
  lock(): ModelLock;
  /** The tag that the app would have put on the merge of what is locked. */
  register(version: string): void;
  read(path: string): string;
  write(path: string, text: string): void;
  objectPath(digest: string): string;
  remove(): void;
};

/** The demo's own files as a plain checkout without GitHub; the network alone is trained, for fewer epochs. */
export async function honestCheckout(setting: {
  supervisor: string;
  token: string;
  root?: string;
}): Promise<HonestCheckout> {
  const root = setting.root ?? mkdtempSync(join(tmpdir(), 'roundhouse-honest-'));
  const workspace = join(root, 'checkout');
  const store = openFileStore(join(root, 'store'));
  const base = {
    PATH: process.env.PATH ?? '',
    ROUNDHOUSE_STORE_MAIN: pathToFileURL(join(root, 'store')).href,
    ROUNDHOUSE_LOGS_MAIN: join(root, 'logs'),
    ROUNDHOUSE_SUPERVISOR_TOKEN: setting.token,
    ROUNDHOUSE_NOW: '2012-01-01T00:00:00Z',
  };

  const git = (...args: string[]) =>
    execFileSync(
      'git',
      ['-C', workspace, '-c', 'user.name=lea', '-c', 'user.email=lea@example.org', ...args],
      {
        encoding: 'utf8',
      },
    ).trim();
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), text);
  };
  const read = (path: string) => readFileSync(join(workspace, path), 'utf8');
  const commit = (message: string) => {
    git('add', '-A');
    git('commit', '-q', '-m', message);
  };

  const lock = () => parseConfig('model-lock', { file: 'model.lock', text: read('models/bikes/model.lock') });

  async function within<Result>(
    run: (context: StageContext) => Promise<Result>,
    { options = {}, env = {} }: { options?: Options; env?: Options } = {},
  ): Promise<Result> {
    const deps = openDeps({ workspace, env: { ...base, ...env }, progress: silentProgress });
    try {
      return await run(
        await openContext({ option: (name) => options[name.replaceAll('_', '-')] ?? '', deps }),
      );
    } finally {
      deps.dispose();
    }
  }

  const history = await store.put(bikesCsv());
  for (const { path, text } of repositoryFiles({ ...repositoryOptions, supervisor: setting.supervisor }))
    write(path, text);
  for (const [path, text] of Object.entries(modelFiles('bikes', { history }))) write(path, text);
  write('models/bikes/problem.yml', problemYaml(bikesProblem()));
  write('models/bikes/model.yml', quickNetwork(read('models/bikes/model.yml')));
  write('models/bikes/operate.yml', patientCanary(read('models/bikes/operate.yml')));
  git('init', '-q');
  commit('The model and its data');

  return {
    root,
    workspace,
    store,
    env: base,
    stage: (name, how) =>
      within(async (context) => {
        const { statement, inputs } = await stages[name](context);
        const index = name === 'train' ? 0 : undefined;
        context.evidence.save<EvidenceStage>(name, statement, { index, inputs });
        return statement.predicate.result as Statement<typeof name>['predicate']['result'];
      }, how),
    card: () =>
      within(async (context) => {
        const { plan } = await planned(context);
        const found = await evaluated(context, plan);
        writeCardFiles(await cardFiles({ model: context.model, plan, ...found }, workspace), workspace);
        commit('Locks and cards');
      }),
    statement: (stage, file = stage) =>
      statementSchemas[stage].parse(JSON.parse(read(`.roundhouse/evidence/bikes/${file}.json`))) as never,
    evidenceDigest() {
      const folder = join(workspace, '.roundhouse', 'evidence', 'bikes');
      const files = readdirSync(folder).sort();
      return digestOfJson(files.map((name) => [name, digestOf(readFileSync(join(folder, name)))]));
    },
    lock,
    register(version) {
      const { candidate, bundle } = lock();
      const event = { kind: 'register', model: 'bikes', version, n: null } as const;
      const message = renderTagMessage(event, {
        kind: 'roundhouse-tag',
        model: 'bikes',
        version,
        environment: null,
        candidate,
        bundle,
        commit: git('rev-parse', 'HEAD'),
      });
      git('tag', '-a', printTagName(event), '-m', message);
    },
    read,
    write,
    objectPath: (digest) => join(root, 'store', 'sha256', digest.slice(7, 9), digest.slice(7)),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

function quickNetwork(modelYaml: string): string {
  return modelYaml
    .replace(/ {2}- name: linear[\s\S]*?(?= {2}- name: mlp)/, '')
    .replace('epochs: 60', 'epochs: 25');
}

/** How fast a machine answers that other tests keep busy is not asked here; a shorter step is looked at more often. */
function patientCanary(operateYaml: string): string {
  return operateYaml
    .replace('max_latency_p95_ms: 250', 'max_latency_p95_ms: 30000')
    .replace('max_duration: PT60S', 'max_duration: PT30S');
}

/** One bit of one byte of a file is turned; the function that is returned turns it back. */
export function flipByte(path: string, at: number): () => void {
  const whole = readFileSync(path);
  const flipped = Buffer.from(whole);
  flipped[at] = (flipped[at] ?? 0) ^ 1;
  writeFileSync(path, flipped);
  return () => writeFileSync(path, whole);
}
