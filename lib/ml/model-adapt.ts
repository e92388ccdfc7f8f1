import type { onnx } from 'onnx-proto';
import onnxProto from 'onnx-proto';
import type { Signature, TensorSpec } from '../lifecycle/bundle.ts';
import { checkedModel } from './model-check.ts';
import { INNER_PREFIX } from './onnx.ts';

const { AttributeType } = onnxProto.onnx.AttributeProto;
const { DataType } = onnxProto.onnx.TensorProto;

/**
 * Bytes of the same model under the names of a signature, as exporters rarely give them: one matrix of all
 * inputs becomes a tensor per column (in the signature's order, all of them numbers), and a single float
 * output takes the signature's name. A model that has the names already comes back as it was checked.
 * Throws a UserError where the bytes are no plain ONNX.
 */
export function adaptModel(bytes: Uint8Array, signature: Signature): Uint8Array {
  const model = onnxProto.onnx.ModelProto.decode(checkedModel(bytes));
  const { graph } = model;
  if (!graph) return bytes;
  splitInput(graph, signature.inputs);
  for (const wanted of signature.outputs) nameOutput(graph, wanted);
  return onnxProto.onnx.ModelProto.encode(model).finish();
}

/** Older exporters list the initializers among the inputs. */
function splitInput(graph: onnx.IGraphProto, wanted: readonly TensorSpec[]): void {
  const weights = new Set((graph.initializer ?? []).map(({ name }) => name));
  const inputs = (graph.input ?? []).filter(({ name }) => !weights.has(name));
  const [only, ...others] = inputs;
  if (!only?.name || others.length > 0 || elementOf(only) !== DataType.FLOAT) return;
  if (wanted.some(({ name }) => name === only.name)) return;
  if (wanted.some(({ datatype }) => datatype !== 'FP32')) return;
  graph.input = wanted.map(({ name }) => tensorInfo(name, 1));
  graph.node = [
    {
      opType: 'Concat',
      name: `${INNER_PREFIX}columns`,
      input: wanted.map(({ name }) => name),
      output: [only.name],
      attribute: [{ name: 'axis', type: AttributeType.INT, i: 1 }],
    },
    ...(graph.node ?? []),
  ];
}

function nameOutput(graph: onnx.IGraphProto, { name, shape }: TensorSpec): void {
  const outputs = graph.output ?? [];
  if (outputs.some((output) => output.name === name)) return;
  const [only, ...others] = outputs.filter((output) => elementOf(output) === DataType.FLOAT);
  if (!only?.name || others.length > 0) return;
  graph.node = [
    ...(graph.node ?? []),
    { opType: 'Identity', name: `${INNER_PREFIX}output`, input: [only.name], output: [name] },
  ];
  graph.output = [tensorInfo(name, shape[1] ?? 1)];
}

function elementOf({ type }: onnx.IValueInfoProto): number | null | undefined {
  return type?.tensorType?.elemType;
}

function tensorInfo(name: string, width: number): onnx.IValueInfoProto {
  const dim = [{ dimParam: 'rows' }, { dimValue: width }];
  return { name, type: { tensorType: { elemType: DataType.FLOAT, shape: { dim } } } };
}
