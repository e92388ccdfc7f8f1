import type { Signature, TensorSpec } from '#lib/lifecycle/bundle.ts';
import { instantSchema } from '#lib/lifecycle/scalars.ts';
import type { FeedRow } from '#lib/ml/feed.ts';

/** A request of the Open Inference Protocol v2 that a model with this signature can answer. */
export type InferRequest = {
  id: string | null;
  rows: FeedRow[];
  /** ISO 8601, UTC; null = now. */
  eventTime: string | null;
};
export type Parsed<Value> = { kind: 'accepted'; value: Value } | { kind: 'refused'; message: string };
type Cell = FeedRow[string];

const MAX_ROWS = 10_000;
const MAX_ID = 200;
const MEMBERS = ['id', 'inputs', 'parameters', 'outputs'];

/** Checks a body strictly. Every refusal names the member, the value and what was asked for. */
export function parseInferRequest(body: unknown, signature: Signature): Parsed<InferRequest> {
  if (!isObject(body)) return refuse('the body must be a JSON object with "inputs"');
  const unknown = Object.keys(body).find((key) => !MEMBERS.includes(key));
  if (unknown !== undefined)
    return refuse(`unknown member ${show(unknown)}: known are ${MEMBERS.join(', ')}`);
  const id = body.id ?? null;
  if (id !== null && (typeof id !== 'string' || id.length === 0 || id.length > MAX_ID))
    return refuse(`"id" must be a text of 1 to ${MAX_ID} characters`);
  const eventTime = parseParameters(body.parameters);
  if (eventTime.kind === 'refused') return eventTime;
  const outputs = checkOutputs(body.outputs, signature);
  if (outputs !== null) return refuse(outputs);
  const rows = parseInputs(body.inputs, signature);
  if (rows.kind === 'refused') return rows;
  return accept({ id, rows: rows.value, eventTime: eventTime.value });
}

function parseParameters(parameters: unknown): Parsed<string | null> {
  if (parameters === undefined) return accept(null);
  if (!isObject(parameters)) return refuse('"parameters" must be an object');
  const unknown = Object.keys(parameters).find((key) => key !== 'event_time');
  if (unknown !== undefined) return refuse(`unknown parameter ${show(unknown)}: known is event_time`);
  if (parameters.event_time === undefined) return accept(null);
  const instant = instantSchema.safeParse(parameters.event_time);
  if (!instant.success)
    return refuse(
      `parameter "event_time" is ${show(parameters.event_time)}: it must be an instant such as 2012-01-01T00:00:00Z`,
    );
  return accept(new Date(instant.data).toISOString());
}

function checkOutputs(outputs: unknown, signature: Signature): string | null {
  if (outputs === undefined) return null;
  const name = signature.outputs[0]?.name;
  const isKnown =
    Array.isArray(outputs) && outputs.every((output) => isObject(output) && output.name === name);
  return isKnown ? null : `"outputs" may only ask for [{"name": ${show(name)}}]`;
}

function parseInputs(inputs: unknown, signature: Signature): Parsed<FeedRow[]> {
  if (!Array.isArray(inputs)) return refuse('"inputs" must be a list with one tensor per input');
  const columns = new Map<string, Cell[]>();
  for (const tensor of inputs) {
    const column = parseTensor(tensor, signature);
    if (column.kind === 'refused') return column;
    const { name, cells } = column.value;
    if (columns.has(name)) return refuse(`input ${show(name)} is there twice`);
    columns.set(name, cells);
  }
  const missing = signature.inputs.filter(({ name }) => !columns.has(name)).map(({ name }) => name);
  if (missing.length > 0) return refuse(`missing inputs: ${missing.join(', ')} (a missing value is null)`);
  const sizes = new Set([...columns.values()].map((cells) => cells.length));
  if (sizes.size > 1)
    return refuse(`all inputs must have the same number of rows, not ${[...sizes].join(', ')}`);
  return accept(rowsOf(columns));
}

function parseTensor(tensor: unknown, signature: Signature): Parsed<{ name: string; cells: Cell[] }> {
  if (!isObject(tensor)) return refuse('each input must be an object {name, shape, datatype, data}');
  const spec = signature.inputs.find(({ name }) => name === tensor.name);
  if (spec === undefined)
    return refuse(
      `unknown input ${show(tensor.name)}: the model takes ${signature.inputs.map(({ name }) => name).join(', ')}`,
    );
  const where = `input ${show(spec.name)}`;
  if (tensor.datatype !== spec.datatype)
    return refuse(`${where} has datatype ${show(tensor.datatype)}: it must be ${spec.datatype}`);
  const { shape } = tensor;
  const isColumn =
    Array.isArray(shape) &&
    (shape.length === 1 || (shape.length === 2 && shape[1] === 1)) &&
    Number.isInteger(shape[0]);
  if (!isColumn) return refuse(`${where} has shape ${show(shape)}: it must be [N] or [N, 1]`);
  const rows: number = shape[0];
  if (rows < 1 || rows > MAX_ROWS) return refuse(`${where} has ${rows} rows: 1 to ${MAX_ROWS} are taken`);
  if (!Array.isArray(tensor.data)) return refuse(`${where} has no list "data"`);
  const data: unknown[] = shape.length === 2 ? tensor.data.flat() : tensor.data;
  if (data.length !== rows) return refuse(`${where} has ${data.length} values for ${rows} rows`);
  const wrong = data.findIndex((value) => !isCell(value, spec.datatype));
  if (wrong >= 0)
    return refuse(`${where}, row ${wrong + 1}: ${show(data[wrong])} is not ${WANTED[spec.datatype]}`);
  return accept({ name: spec.name, cells: data as Cell[] });
}

const WANTED = {
  FP32: 'a 32-bit number or null',
  INT64: 'an integer within 2^53 or null',
  BYTES: 'a text or null',
} satisfies Record<TensorSpec['datatype'], string>;

function isCell(value: unknown, datatype: TensorSpec['datatype']): value is Cell {
  if (value === null) return true;
  if (datatype === 'BYTES') return typeof value === 'string';
  if (datatype === 'INT64') return Number.isSafeInteger(value);
  return typeof value === 'number' && Number.isFinite(Math.fround(value));
}

function rowsOf(columns: ReadonlyMap<string, Cell[]>): FeedRow[] {
  const [first = []] = columns.values();
  const entries = [...columns];
  return first.map((_, row) =>
    Object.fromEntries(entries.map(([name, cells]) => [name, cells[row] ?? null])),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value as part of a message: one line, cut. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'absent';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function accept<Value>(value: Value): Parsed<Value> {
  return { kind: 'accepted', value };
}

function refuse(message: string): { kind: 'refused'; message: string } {
  return { kind: 'refused', message };
}
