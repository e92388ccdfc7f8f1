import type { onnx } from 'onnx-proto';
import onnxProto from 'onnx-proto';
import type { Signature } from '#lib/lifecycle/bundle.ts';

/** One FP32 input `x` and one FP32 output `prediction`, [rows, 1] each. */
export const SIGNATURE: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }],
  outputs: [{ name: 'prediction', datatype: 'FP32', shape: [-1, 1] }],
  classes: null,
};

const FLOAT = 1;

export function value(name: string, elemType = FLOAT): onnx.IValueInfoProto {
  return {
    name,
    type: { tensorType: { elemType, shape: { dim: [{ dimParam: 'rows' }, { dimValue: 1 }] } } },
  };
}

export function graphOf(node: onnx.INodeProto[], changes: onnx.IGraphProto = {}): onnx.IGraphProto {
  return { name: 'g', node, input: [value('x')], output: [value('prediction')], ...changes };
}

/** Bytes of a model of these nodes over `x`. */
export function modelOf(node: onnx.INodeProto[], changes: onnx.IModelProto = {}): Uint8Array {
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: graphOf(node),
    ...changes,
  });
}

export function encodeModel(model: onnx.IModelProto): Uint8Array {
  return onnxProto.onnx.ModelProto.encode(model).finish();
}

export function node(
  opType: string,
  input: string[],
  output: string,
  attribute: onnx.IAttributeProto[] = [],
) {
  return { opType, input, output: [output], attribute };
}

export function decodeModel(bytes: Uint8Array): onnx.ModelProto {
  return onnxProto.onnx.ModelProto.decode(bytes);
}

/** An int64 vector as an initializer. */
export function int64s(name: string, values: number[]): onnx.ITensorProto {
  return { name, dataType: 7, dims: [values.length], int64Data: values };
}

/** Multiplies a square of `side` by itself `times` times before it answers: seconds of work, no loop. */
export function slowModel(side: number, times: number): Uint8Array {
  const nodes = [node('Expand', ['x', 'shape'], 'm0')];
  for (let step = 0; step < times; step++)
    nodes.push(node('MatMul', [`m${step}`, `m${step}`], `m${step + 1}`));
  nodes.push(node('ReduceSum', [`m${times}`, 'axes'], 'prediction'));
  const initializer = [int64s('shape', [side, side]), int64s('axes', [1])];
  return modelOf([], { graph: graphOf(nodes, { initializer }) });
}
