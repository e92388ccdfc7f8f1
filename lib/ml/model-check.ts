import type { onnx } from 'onnx-proto';
import onnxProto from 'onnx-proto';
import { UserError } from '../lifecycle/user-error.ts';

const DOMAINS = new Set(['', 'ai.onnx', 'ai.onnx.ml']);
/** Control flow never ends by a promise of the format: a Loop of 250 bytes runs for ever. */
const CONTROL_FLOW = new Set(['If', 'Loop', 'Scan', 'SequenceMap']);
const MAX_NODES = 10_000;
const MAX_INITIALIZERS = 10_000;

const FORMATS: [name: string, matches: (bytes: Uint8Array) => boolean][] = [
  ['a Python pickle, which runs code when it is loaded', (b) => b[0] === 0x80 && (b[1] ?? 9) <= 5],
  ['a ZIP archive (PyTorch, Keras or NumPy)', (b) => startsWith(b, 'PK\u0003\u0004')],
  ['an HDF5 file (Keras)', (b) => startsWith(b.subarray(1), 'HDF')],
  ['a GGUF file', (b) => startsWith(b, 'GGUF')],
  ['a TensorFlow Lite file', (b) => startsWith(b.subarray(4), 'TFL3')],
  ['JSON or a script', (b) => startsWith(b, '{') || startsWith(b, '#!')],
  ['compressed (gzip)', (b) => b[0] === 0x1f && b[1] === 0x8b],
  ['an image', (b) => b[0] === 0x89 && startsWith(b.subarray(1), 'PNG')],
  ['a web page', (b) => startsWith(b, '<')],
  [
    'a pointer of Git LFS and not the file itself (`git lfs pull` fetches it)',
    (b) => startsWith(b, 'version https://git-lfs'),
  ],
  ['empty', (b) => b.length === 0],
  ['a safetensors file', (b) => b[8] === 0x7b && b[7] === 0],
];

/**
 * Checks the structure of an ONNX model before a runtime sees it, and gives back the bytes to load: what was
 * checked, encoded anew. Two parsers may read one odd file in two ways (a graph that comes twice is merged by
 * one and replaced by the other); they cannot disagree about bytes that hold nothing but what was checked.
 */
export function checkedModel(bytes: Uint8Array): Uint8Array {
  const foreign = FORMATS.find(([, matches]) => matches(bytes));
  if (foreign) throw refused(`it is ${foreign[0]}`);
  const model = decode(bytes);
  const faults = [...modelFaults(model), ...graphFaults(model.graph)];
  if (faults.length > 0) throw refused(faults.join('; '));
  return onnxProto.onnx.ModelProto.encode(model).finish();
}

function decode(bytes: Uint8Array): onnx.IModelProto {
  try {
    return onnxProto.onnx.ModelProto.decode(bytes);
  } catch (cause) {
    throw refused('it is not ONNX', cause);
  }
}

function modelFaults(model: onnx.IModelProto): string[] {
  const domains = (model.opsetImport ?? []).map(({ domain }) => domain ?? '');
  const unknown = domains.filter((domain) => !DOMAINS.has(domain));
  return [
    ...(domains.length === 0 ? ['it imports no operator set'] : []),
    ...unknown.map((domain) => `it imports the unknown operator domain "${domain}"`),
    ...((model.functions ?? []).length > 0 ? ['it defines functions'] : []),
    ...((model.trainingInfo ?? []).length > 0 ? ['it holds training graphs'] : []),
  ];
}

function graphFaults(graph: onnx.IGraphProto | null | undefined): string[] {
  const nodes = graph?.node ?? [];
  const tensors = graph?.initializer ?? [];
  const sparse = graph?.sparseInitializer ?? [];
  if (nodes.length === 0) return ['it has no nodes'];
  if (nodes.length > MAX_NODES) return [`it has ${nodes.length} nodes; at most ${MAX_NODES} are loaded`];
  if (tensors.length > MAX_INITIALIZERS) return [`it has ${tensors.length} initializers`];
  const faults = [
    ...nodes.flatMap(nodeFaults),
    ...tensors.flatMap(tensorFaults),
    ...(sparse.length > 0 ? ['it holds sparse tensors'] : []),
  ];
  return [...new Set(faults)].slice(0, 5);
}

function nodeFaults({ opType, domain, attribute }: onnx.INodeProto): string[] {
  const operator = opType ?? '';
  const attributes = attribute ?? [];
  const subgraph = attributes.some(({ g, graphs }) => g != null || (graphs ?? []).length > 0);
  const known = DOMAINS.has(domain ?? '');
  return [
    ...(known ? [] : [`operator ${operator} is of the unknown domain "${domain}"`]),
    ...(CONTROL_FLOW.has(operator) || subgraph ? [`operator ${operator} holds a graph of its own`] : []),
    ...attributes.flatMap(({ t, tensors, sparseTensor, sparseTensors }) => [
      ...[t ?? [], tensors ?? []].flat().flatMap(tensorFaults),
      ...(sparseTensor != null || (sparseTensors ?? []).length > 0 ? ['it holds sparse tensors'] : []),
    ]),
  ];
}

function tensorFaults({ name, dataLocation, externalData }: onnx.ITensorProto): string[] {
  const external =
    dataLocation === onnxProto.onnx.TensorProto.DataLocation.EXTERNAL || (externalData ?? []).length > 0;
  return external ? [`tensor "${name ?? ''}" keeps its data in another file`] : [];
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return [...text].every((character, index) => bytes[index] === character.charCodeAt(0));
}

function refused(why: string, cause?: unknown): UserError {
  return new UserError(`the model is refused: ${why}`, {
    fix: 'export plain ONNX: standard operators, no control flow, no functions, all data inside the file',
    cause,
  });
}
