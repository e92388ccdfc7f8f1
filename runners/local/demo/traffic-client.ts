/** One row that will become a request, and what later turned out to be true. */
export type LiveRow = {
  at: number;
  inputs: Record<string, number | string | null>;
  label: number | string | null;
};

type InputTensor = { name: string; datatype: 'FP32' | 'INT64' | 'BYTES' };
type Answer = { status: number; body: unknown };

export type TrafficCounts = {
  sent: number;
  failed: number;
  labelled: number;
  byVersion: Record<string, number>;
  /** The first few refusals, for the person who has to look. */
  failures: string[];
};

/** A label that is known from `due` on, in data time. */
type WaitingLabel = { id: string; label: number | string; due: number };

const FEEDBACK_BATCH = 200;
const KEPT_FAILURES = 5;

/** Sends rows as Open Inference Protocol requests, and their labels when they have become known. */
export type TrafficClient = {
  send(index: number, row: LiveRow): Promise<void>;
  /** Sends labels that are due; without `all` only once a whole batch is. */
  sendLabels(clock: number, all?: boolean): Promise<void>;
  counts(): TrafficCounts;
};

export async function trafficClient({
  url,
  model,
  labelLagMs,
}: {
  url: string;
  model: string;
  labelLagMs: number;
}): Promise<TrafficClient> {
  const at = `${url}/v2/models/${model}`;
  const tensors = await inputTensors(at);
  const counts: TrafficCounts = { sent: 0, failed: 0, labelled: 0, byVersion: {}, failures: [] };
  let waiting: WaitingLabel[] = [];

  return {
    async send(index, row) {
      const id = `live-${String(index).padStart(6, '0')}`;
      const answer = await post(`${at}/infer`, requestOf(id, row, tensors));
      counts.sent += 1;
      if (answer.status !== 200) {
        counts.failed += 1;
        if (counts.failures.length < KEPT_FAILURES)
          counts.failures.push(`${answer.status} ${JSON.stringify(answer.body)}`);
        return;
      }
      const version = String((answer.body as { model_version?: string }).model_version);
      counts.byVersion[version] = (counts.byVersion[version] ?? 0) + 1;
      if (row.label !== null) waiting.push({ id: `${id}:0`, label: row.label, due: row.at + labelLagMs });
    },
    async sendLabels(clock, all = false) {
      const due = waiting.filter((item) => item.due <= clock);
      if (due.length === 0 || (due.length < FEEDBACK_BATCH && !all)) return;
      for (let from = 0; from < due.length; from += FEEDBACK_BATCH) {
        counts.labelled += await postLabels(at, due.slice(from, from + FEEDBACK_BATCH));
      }
      waiting = waiting.filter((item) => item.due > clock);
    },
    counts: () => structuredClone(counts),
  };
}

function requestOf(id: string, row: LiveRow, tensors: InputTensor[]) {
  return {
    id,
    parameters: { event_time: new Date(row.at).toISOString() },
    inputs: tensors.map(({ name, datatype }) => ({
      name,
      datatype,
      shape: [1, 1],
      data: [row.inputs[name] ?? null],
    })),
  };
}

async function postLabels(at: string, labels: WaitingLabel[]): Promise<number> {
  const items = labels.map(({ id, label, due }) => ({ id, label, event_time: new Date(due).toISOString() }));
  const answer = await post(`${at}/feedback`, { items });
  if (answer.status >= 300)
    throw new Error(`labels were refused: ${answer.status} ${JSON.stringify(answer.body)}`);
  return items.length;
}

async function inputTensors(at: string): Promise<InputTensor[]> {
  const response = await fetch(at);
  if (!response.ok) throw new Error(`${at} answers ${response.status}: the router does not know the model`);
  return ((await response.json()) as { inputs: InputTensor[] }).inputs;
}

async function post(url: string, body: unknown): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    return { status: response.status, body: await response.json().catch(() => null) };
  } catch (error) {
    return { status: 0, body: error instanceof Error ? error.message : String(error) };
  }
}
