import type { Table } from '../data/table.ts';
import type { Signature } from '../lifecycle/bundle.ts';
import type { Input } from '../lifecycle/data-input.ts';
import type { NetworkCandidate } from '../lifecycle/model.ts';
import type { Task } from '../lifecycle/problem.ts';
import { UserError } from '../lifecycle/user-error.ts';
import { feedOf } from './feed.ts';
import { type ClassLabel, classesOf, classIndices, targetNumbers } from './labels.ts';
import { type Head, INNER_PREFIX, writeNetwork } from './onnx.ts';
import { type BackendChoice, loadTensorflow } from './tensorflow.ts';
import { fitNetwork, type Loss, runNetwork } from './train-network.ts';
import { checkParity, type Parity, probeRows } from './train-parity.ts';
import { encode, fitTransforms, inputTensors, standardisation } from './transforms.ts';

const CURVE_POINTS = 200;

export type TrainOptions = {
  candidate: NetworkCandidate;
  task: Task;
  target: string;
  inputs: Record<string, Input>;
  /** Training rows; every row has a target. */
  table: Table;
  seed: number;
  /** In the order of the probabilities, so that several fits agree; default: those of the rows. */
  classes?: ClassLabel[] | null;
  /** Default: the best that is installed. */
  backend?: BackendChoice;
  onEpoch?: (epoch: number, loss: number) => void;
  signal?: AbortSignal;
};

export type Trained = {
  /** ONNX with the feature transforms in the graph, compared with the trainer's own predictions. */
  model: Uint8Array;
  signature: Signature;
  /** The TensorFlow.js backend that ran, or the program of a command. */
  backend: string;
  /** Training loss per epoch, at most 200 points. */
  curve: number[];
  /** Null where a command said nothing of its own predictions. */
  parity: Parity | null;
};

/** Fits one candidate and exports it. The same rows, seed and backend give the same bytes. */
export async function trainCandidate(options: TrainOptions): Promise<Trained> {
  const { candidate, task, target, table, seed } = options;
  if (table.rows === 0) throw new UserError('there are no rows to train on', { fix: 'widen the window' });
  const classes = options.classes === undefined ? classesOf(table, target, task) : options.classes;
  const signature = signatureOf(table, options.inputs, classes);
  const feed = feedOf(table, signature);
  const transforms = fitTransforms(signature.inputs, feed);
  const goal = goalOf(table, target, { classes, loss: candidate.loss });
  const { tf, backend } = await loadTensorflow(options.backend);
  const { layers, curve } = await fitNetwork({
    tf,
    features: encode(transforms, feed, table.rows),
    targets: goal.targets,
    outputs: goal.outputs,
    loss: goal.loss,
    hidden: candidate.trainer === 'mlp' ? candidate.hidden : [],
    epochs: candidate.epochs,
    learningRate: candidate.learning_rate,
    batchSize: candidate.batch_size,
    l2: candidate.l2,
    seed,
    ...(options.onEpoch && { onEpoch: options.onEpoch }),
    ...(options.signal && { signal: options.signal }),
  });
  const model = writeNetwork({ signature, transforms, layers, head: goal.head });
  const probe = probeRows(feed, table.rows, signature);
  const features = encode(transforms, probe.feed, probe.rows);
  const expected = applyHead(runNetwork(tf, layers, features), goal.head, goal.outputs);
  const parity = await checkParity({ model, signature, probe, expected });
  return { model, signature, backend, curve: thinned(curve), parity };
}

/** The tensors that every model over these inputs takes and gives, whoever trains it. */
export function signatureOf(
  table: Table,
  inputs: Record<string, Input>,
  classes: ClassLabel[] | null,
): Signature {
  const tensors = inputTensors(table, inputs);
  const output = classes === null ? 'prediction' : 'probabilities';
  const taken = tensors.find(({ name }) => name === output || name.startsWith(INNER_PREFIX));
  if (taken)
    throw new UserError(`an input can't be named "${taken.name}": the graph uses that name`, {
      fix: 'rename the column in the pipeline and in data.yml',
    });
  if (tensors.length === 0)
    throw new UserError('data.yml names no inputs', {
      fix: 'list the columns to learn from under `inputs:`',
    });
  return {
    inputs: tensors,
    outputs: [{ name: output, datatype: 'FP32', shape: [-1, classes?.length ?? 1] }],
    classes,
  };
}

type Goal = { targets: Float32Array; outputs: number; loss: Loss; head: Head };

function goalOf(
  table: Table,
  target: string,
  { classes, loss }: { classes: ClassLabel[] | null; loss: NetworkCandidate['loss'] },
): Goal {
  if (classes === null) {
    const values = Float32Array.from(targetNumbers(table, target));
    const { offset, scale } = standardisation(values);
    const targets = values.map((value) => Math.fround(value - offset) * scale);
    const head: Head = { kind: 'number', offset, scale: scale === 0 ? 0 : Math.fround(1 / scale) };
    return { targets, outputs: 1, loss, head };
  }
  const targets = new Float32Array(table.rows * classes.length);
  classIndices(table, target, classes).forEach((index, row) => {
    targets[row * classes.length + index] = 1;
  });
  return { targets, outputs: classes.length, loss: 'cross_entropy', head: { kind: 'classes' } };
}

/** The trainer's predictions from the last layer's outputs: in the target's unit, or softmax per row. */
function applyHead(outputs: Float32Array, head: Head, width: number): Float32Array {
  if (head.kind === 'number') return outputs.map((value) => Math.fround(value * head.scale) + head.offset);
  const probabilities = new Float32Array(outputs.length);
  for (let start = 0; start < outputs.length; start += width) {
    const row = outputs.subarray(start, start + width);
    const most = Math.max(...row);
    const weights = Array.from(row, (value) => Math.exp(value - most));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    probabilities.set(
      weights.map((weight) => weight / total),
      start,
    );
  }
  return probabilities;
}

/** At most 200 points, the last one among them. */
export function thinned(curve: number[]): number[] {
  const step = Math.ceil(curve.length / CURVE_POINTS);
  return curve.filter((_, index) => (curve.length - 1 - index) % step === 0);
}
