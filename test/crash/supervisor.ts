import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Release } from '#lib/lifecycle/rollout.ts';
import type { ServedVersion, ServingState } from '#lib/lifecycle/serving.ts';
import {
  controlOf,
  infer,
  makePlace,
  modelChildrenOf,
  type Place,
  served,
  token,
} from '../runners/model-server/harness.ts';
import { bodyOf, putTinyBundle, tinyGolden } from '../runners/model-server/tiny-model.ts';
import type { Target } from './points.ts';
import { type ProcessUnderTest, processUnderTest, until, wholeProgram } from './process-under-test.ts';
import type { Ending } from './verdict.ts';

const EVENT_TIME = '2012-01-01T00:00:00.000Z';

const program = wholeProgram('supervisor', 'runners/model-server/supervisor-process.ts');

/**
 * The supervisor through the life of two versions: staged, released, a canary in two steps, promoted, rolled back,
 * one that is refused, one whose process dies. Its clients ask again until they are answered.
 */
export async function playSupervisor(targets: Target[]): Promise<Ending> {
  const place = makePlace();
  const port = await freePort();
  const output: string[] = [];
  const supervisor = processUnderTest({
    ...{ name: 'supervisor', dir: place.root, cwd: place.root, program, targets, output },
    args: ['--dir', place.dir, '--port', String(port), '--environment', 'production'],
    env: {
      ROUNDHOUSE_SUPERVISOR_TOKEN: token,
      ROUNDHOUSE_STORE_MAIN: place.storeUrl,
      ROUNDHOUSE_LOGS_MAIN: place.logs,
    },
  });
  const client = clientOf({ url: `http://127.0.0.1:${port}`, supervisor });
  try {
    supervisor.start();
    await act({ place, client, supervisor });
    const state = await client.state();
    const open = { place, state, client };
    await supervisor.stop();
    return { world: [...readPlace(open), ...(await processesLeft(place))], trace: supervisor.trace() };
  } finally {
    await supervisor.stop();
    place.remove();
  }
}

type Acting = { place: Place; client: Client; supervisor: ProcessUnderTest };

async function act({ place, client, supervisor }: Acting): Promise<void> {
  const former = await putTinyBundle(place.store, { version: '1.0.0', slope: 2 });
  const newer = await putTinyBundle(place.store, { version: '1.1.0', slope: 3 });
  const golden = tinyGolden({ slope: 5 });
  const broken = await putTinyBundle(place.store, { version: '1.2.0', slope: 4, golden });
  const serve = (weights: [Release, number][]) =>
    client.put(weights.map(([release, weight]) => served(release, weight)));

  await serve([[former, 0]]);
  await serve([[former, 100]]);
  await client.predict('first', 3);
  await client.label('first-0');
  for (const weight of [10, 50]) {
    await serve([
      [former, 100 - weight],
      [newer, weight],
    ]);
    await client.predict(`canary-${weight}`, 4);
  }
  await serve([[newer, 100]]);
  await client.predict('promoted', 2);
  await client.label('canary-50-1');
  await serve([[former, 100]]);
  await client.predict('rolled-back', 2);
  await serve([
    [former, 90],
    [broken, 10],
  ]);
  await killModel(supervisor);
  await client.predict('after-its-death', 2);
  await client.label('after-its-death-0');
}

/** The process of the one version that is served. */
async function killModel(supervisor: ProcessUnderTest): Promise<void> {
  for (const pid of modelChildrenOf(supervisor.pid() ?? 0)) process.kill(pid, 'SIGKILL');
}

type Client = ReturnType<typeof clientOf>;

/** Clients that send again what was not answered, as it was. */
function clientOf({ url, supervisor }: { url: string; supervisor: ProcessUnderTest }) {
  const answers: string[] = [];
  const sent = new Map<string, number>();
  const control = controlOf(url);

  async function persist<Answer extends { status: number }>(
    what: string,
    ask: () => Promise<Answer>,
  ): Promise<Answer> {
    let answer: Answer | null = null;
    const isAnswered = async () => {
      answer = await ask().catch(() => null);
      return answer !== null && answer.status < 500;
    };
    await until(what, isAnswered, { app: supervisor, pauseMs: 20 });
    return answer as unknown as Answer;
  }

  async function router(): Promise<string> {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${url}/v1/environments`, { headers });
    const { environments } = (await response.json()) as { environments: { url: string }[] };
    return environments[0]?.url ?? '';
  }

  function count(id: string): void {
    sent.set(id, (sent.get(id) ?? 0) + 1);
  }

  return {
    answers,
    sent,
    async put(versions: ServedVersion[]): Promise<void> {
      const { status, body } = await persist('a change of what is served', () => control.put(versions));
      const told = body.message ?? body.versions.map(({ version, weight }) => `${version}=${weight}`);
      answers.push(`put ${answers.length} ${status} ${told}`);
    },
    async predict(name: string, rows: number): Promise<void> {
      for (let x = 0; x < rows; x += 1) {
        const id = `${name}-${x}`;
        const body = bodyOf([{ x, city: 'a' }], { id, parameters: { event_time: EVENT_TIME } });
        const answer = await persist(`an answer to ${id}`, async () => {
          const address = await router();
          count(`${id}:0`);
          return infer(address, body);
        });
        const { model_version, outputs } = answer.body;
        answers.push(`prediction ${id} ${answer.status} ${model_version} ${outputs?.[0]?.data}`);
      }
    },
    async label(of: string): Promise<void> {
      const id = `${of}:0`;
      const { status } = await persist(`a label of ${id}`, async () => {
        const address = await router();
        count(`label ${id}`);
        return fetch(`${address}/v2/models/bikes/feedback`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ items: [{ id, label: 1, event_time: EVENT_TIME }] }),
        });
      });
      answers.push(`label ${id} ${status}`);
    },
    async state(): Promise<ServingState> {
      let state: ServingState | null = null;
      const isReady = async () => {
        state = await control.state().catch(() => null);
        return state?.versions.every(({ ready }) => ready) ?? false;
      };
      await until('all versions are ready', isReady, { app: supervisor, pauseMs: 20 });
      return state as unknown as ServingState;
    },
  };
}

/** What clients were told, what is served, what was written down. Counts of requests begin anew with each process. */
function readPlace({ place, state, client }: { place: Place; state: ServingState; client: Client }) {
  const { sent } = client;
  const files = readdirSync(place.dir).map((name) => `file ${name}`);
  const written = JSON.parse(readFileSync(join(place.dir, 'supervisor.json'), 'utf8'));
  const ports = (key: string, value: unknown) => (key === 'port' ? '<port>' : value);
  return [
    ...client.answers,
    ...state.versions.map(({ version, weight, ready }) => `serves ${version} ${weight} ${ready}`),
    `written ${JSON.stringify(written, ports)}`,
    ...files,
    ...readLog({ path: logPath(place, 'predictions'), sent, idOf: ({ id }) => id }),
    ...readLog({ path: logPath(place, 'feedback'), sent, idOf: ({ id }) => `label ${id}` }),
  ];
}

function logPath(place: Place, kind: string): string {
  return join(place.logs, 'bikes', 'production', kind, '2012-01-01.jsonl');
}

type Logged = { id: string; logged_at: string; latency_ms?: number };

/**
 * Each record once, as readers of the log count it (lib/data/prediction-log.ts): a client that was not answered
 * sends again. A line more than that, and a line that is none, are lines of the normal form.
 */
function readLog(log: { path: string; sent: Map<string, number>; idOf: (line: Logged) => string }) {
  const { path, sent, idOf } = log;
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [''];
  const torn = lines.pop();
  const counts = new Map<string, number>();
  const records = lines.map((line) => {
    const { logged_at: _at, latency_ms: _latency, ...record } = JSON.parse(line) as Logged;
    const id = idOf(JSON.parse(line));
    counts.set(id, (counts.get(id) ?? 0) + 1);
    return `logged ${JSON.stringify(record)}`;
  });
  const doubled = [...counts].filter(([id, count]) => count > (sent.get(id) ?? 0));
  return [
    ...new Set(records),
    ...doubled.map(([id]) => `logged more often than sent: ${id}`),
    ...(torn === '' ? [] : [`torn: ${torn}`]),
  ];
}

/** Processes work where the supervisor that started them worked; those of models end with it, soon. */
async function processesLeft(place: Place): Promise<string[]> {
  for (const end = Date.now() + 10_000; Date.now() < end && workingIn(place.root).length > 0; )
    await sleep(50);
  return workingIn(place.root).map((command) => `left: the process ${command}`);
}

function workingIn(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (readlinkSync(`/proc/${pid}/cwd`) !== folder) return [];
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')];
      } catch {
        return [];
      }
    });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
