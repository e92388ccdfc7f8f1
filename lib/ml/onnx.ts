import type { onnx } from 'onnx-proto';
import onnxProto from 'onnx-proto';
import type { Signature, TensorSpec } from '../lifecycle/bundle.ts';
import type { DenseLayer } from './train-network.ts';
import type { FeatureTransform } from './transforms.ts';

const IR_VERSION = 8;
const OPSETS = [
  { domain: '', version: 17 },
  { domain: 'ai.onnx.ml', version: 3 },
];
const { AttributeType } = onnxProto.onnx.AttributeProto;
const { DataType } = onnxProto.onnx.TensorProto;
/** Inputs are named after columns; what lies inside the graph must never be named like one. */
export const INNER_PREFIX = 'roundhouse/';
const inner = (name: string) => `${INNER_PREFIX}${name}`;
const ELEMENT = { FP32: DataType.FLOAT, INT64: DataType.INT64, BYTES: DataType.STRING };

/** What follows the last layer: the target's own unit, or probabilities. */
export type Head = { kind: 'number'; offset: number; scale: number } | { kind: 'classes' };

export type NetworkParts = {
  signature: Signature;
  transforms: readonly FeatureTransform[];
  layers: readonly DenseLayer[];
  head: Head;
};

type Graph = {
  nodes: onnx.INodeProto[];
  initializers: onnx.ITensorProto[];
  values: onnx.IValueInfoProto[];
};

/**
 * The whole way from raw columns to predictions as one ONNX graph: opset 17, ai.onnx.ml 3, IR 8. The same
 * parts give the same bytes.
 */
export function writeNetwork({ signature, transforms, layers, head }: NetworkParts): Uint8Array {
  const graph: Graph = { nodes: [], initializers: [], values: [] };
  const [output] = signature.outputs;
  if (output === undefined) throw new Error('a signature names an output');
  const raw = addLayers(graph, layers, addTransforms(graph, transforms));
  addHead(graph, { head, input: raw, output: output.name });
  return onnxProto.onnx.ModelProto.encode({
    irVersion: IR_VERSION,
    opsetImport: OPSETS,
    producerName: 'roundhouse',
    graph: {
      name: 'network',
      node: graph.nodes,
      initializer: graph.initializers,
      input: signature.inputs.map(valueInfo),
      output: signature.outputs.map(valueInfo),
      valueInfo: graph.values,
    },
  }).finish();
}

function addTransforms(graph: Graph, transforms: readonly FeatureTransform[]): string {
  const numbers = transforms.filter((transform) => transform.kind === 'number');
  const blocks = numbers.length === 0 ? [] : [addNumbers(graph, numbers)];
  for (const transform of transforms) {
    if (transform.kind !== 'number') blocks.push(addCategory(graph, transform));
  }
  return addNode(graph, {
    op: 'Concat',
    inputs: blocks,
    output: inner('features'),
    attributes: [integer('axis', 1)],
  });
}

function addNumbers(graph: Graph, numbers: Extract<FeatureTransform, { kind: 'number' }>[]): string {
  const joined = addNode(graph, {
    op: 'Concat',
    inputs: numbers.map(({ name }) => name),
    output: inner('numbers'),
    attributes: [integer('axis', 1)],
  });
  const imputed = addMlNode(graph, [-1, numbers.length], {
    op: 'Imputer',
    inputs: [joined],
    output: inner('numbers/imputed'),
    attributes: [
      floats(
        'imputed_value_floats',
        numbers.map(({ fill }) => fill),
      ),
      { name: 'replaced_value_float', type: AttributeType.FLOAT, f: Number.NaN },
    ],
  });
  return addMlNode(graph, [-1, numbers.length], {
    op: 'Scaler',
    inputs: [imputed],
    output: inner('numbers/scaled'),
    attributes: [
      floats(
        'offset',
        numbers.map(({ offset }) => offset),
      ),
      floats(
        'scale',
        numbers.map(({ scale }) => scale),
      ),
    ],
  });
}

function addCategory(graph: Graph, category: Exclude<FeatureTransform, { kind: 'number' }>): string {
  const values: onnx.IAttributeProto =
    category.kind === 'integers'
      ? // Every value comes from a float64 or is -2^63: exact as a number.
        { name: 'cats_int64s', type: AttributeType.INTS, ints: category.values.map(Number) }
      : { name: 'cats_strings', type: AttributeType.STRINGS, strings: category.values.map(utf8) };
  const encoded = addMlNode(graph, [-1, 1, category.values.length], {
    op: 'OneHotEncoder',
    inputs: [category.name],
    output: inner(`${category.name}/one-hot`),
    attributes: [values, integer('zeros', 1)],
  });
  // To [rows, values].
  return addNode(graph, {
    op: 'Flatten',
    inputs: [encoded],
    output: inner(`${category.name}/flat`),
    attributes: [integer('axis', 1)],
  });
}

function addLayers(graph: Graph, layers: readonly DenseLayer[], features: string): string {
  return layers.reduce((input, { inputs, units, weights, bias }, index) => {
    const name = inner(`layer${index + 1}`);
    graph.initializers.push(tensor(`${name}/weights`, [inputs, units], weights));
    graph.initializers.push(tensor(`${name}/bias`, [units], bias));
    const sum = addNode(graph, {
      op: 'Gemm',
      inputs: [input, `${name}/weights`, `${name}/bias`],
      output: `${name}/sum`,
    });
    if (index === layers.length - 1) return sum;
    return addNode(graph, { op: 'Relu', inputs: [sum], output: `${name}/relu` });
  }, features);
}

function addHead(graph: Graph, { head, input, output }: { head: Head; input: string; output: string }): void {
  if (head.kind === 'classes') {
    addNode(graph, { op: 'Softmax', inputs: [input], output, attributes: [integer('axis', 1)] });
    return;
  }
  graph.initializers.push(tensor(inner('target/scale'), [1], Float32Array.of(head.scale)));
  graph.initializers.push(tensor(inner('target/offset'), [1], Float32Array.of(head.offset)));
  const scaled = addNode(graph, {
    op: 'Mul',
    inputs: [input, inner('target/scale')],
    output: inner('target/scaled'),
  });
  addNode(graph, { op: 'Add', inputs: [scaled, inner('target/offset')], output });
}

type NodeParts = {
  op: string;
  domain?: string;
  inputs: string[];
  output: string;
  attributes?: onnx.IAttributeProto[];
};

function addNode(graph: Graph, { op, domain = '', inputs, output, attributes = [] }: NodeParts): string {
  graph.nodes.push({
    opType: op,
    domain,
    name: output,
    input: inputs,
    output: [output],
    attribute: attributes,
  });
  return output;
}

/** Readers know no types of the results of these operators: they are declared. */
function addMlNode(graph: Graph, shape: number[], parts: NodeParts): string {
  graph.values.push(valueInfo({ name: parts.output, datatype: 'FP32', shape }));
  return addNode(graph, { ...parts, domain: 'ai.onnx.ml' });
}

function integer(name: string, i: number): onnx.IAttributeProto {
  return { name, type: AttributeType.INT, i };
}

function floats(name: string, values: number[]): onnx.IAttributeProto {
  return { name, type: AttributeType.FLOATS, floats: values };
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Raw data is little-endian by definition, and so is every machine that Node runs on today. */
function tensor(name: string, dims: number[], values: Float32Array): onnx.ITensorProto {
  const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dims, dataType: DataType.FLOAT, rawData };
}

function valueInfo({ name, datatype, shape }: TensorSpec): onnx.IValueInfoProto {
  const dim = shape.map((size) => (size < 0 ? { dimParam: 'rows' } : { dimValue: size }));
  return { name, type: { tensorType: { elemType: ELEMENT[datatype], shape: { dim } } } };
}
