import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { UserError } from '../lifecycle/user-error.ts';
import { type Random, randomOf, shuffle } from './stats/random.ts';
import type { TensorFlow } from './tensorflow.ts';
import { denseRows, type Encoded } from './transforms.ts';

/** `weights` is row-major [inputs, units]. */
export type DenseLayer = { inputs: number; units: number; weights: Float32Array; bias: Float32Array };

export type Loss = 'mse' | 'mae' | 'cross_entropy';

export type NetworkOptions = {
  tf: TensorFlow;
  features: Encoded;
  /** Row-major [rows, outputs]: standardised numbers, or one-hot classes. */
  targets: Float32Array;
  outputs: number;
  /** Units of the hidden layers; none = a linear model. */
  hidden: readonly number[];
  loss: Loss;
  epochs: number;
  learningRate: number;
  batchSize: number;
  l2: number;
  seed: number;
  onEpoch?: (epoch: number, loss: number) => void;
  signal?: AbortSignal;
};

/**
 * Fits dense layers with ReLU between them by Adam (Kingma & Ba 2015). The learning rate falls to 0 along
 * half a cosine (Loshchilov & Hutter 2017). Weights and the order of rows come from the seed alone, so that
 * the same rows on the same backend give the same bytes. `curve` is the mean training loss per epoch.
 */
export async function fitNetwork(
  options: NetworkOptions,
): Promise<{ layers: DenseLayer[]; curve: number[] }> {
  const { tf, features, epochs, batchSize, learningRate, seed } = options;
  const random = randomOf(seed);
  const variables = tf.tidy(() => initialise(options, random));
  const optimizer = tf.train.adam(learningRate);
  const order = Int32Array.from({ length: features.rows }, (_, row) => row);
  const steps = epochs * Math.ceil(features.rows / batchSize);
  const curve: number[] = [];
  let step = 0;
  try {
    for (let epoch = 1; epoch <= epochs; epoch++) {
      shuffle(order, random);
      let total = 0;
      for (let start = 0; start < order.length; start += batchSize) {
        options.signal?.throwIfAborted();
        const batch = order.subarray(start, start + batchSize);
        Object.assign(optimizer, {
          learningRate: (learningRate / 2) * (1 + Math.cos((Math.PI * step) / steps)),
        });
        total += trainStep(options, { variables, optimizer, batch }) * batch.length;
        step++;
      }
      curve.push(checkedLoss(total / order.length, epoch));
      options.onEpoch?.(epoch, total / order.length);
      // Lets an abort, a progress line or a signal through.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { layers: variables.map(toLayer), curve };
  } finally {
    optimizer.dispose();
    for (const { weights, bias } of variables) tf.dispose([weights, bias]);
  }
}

type LayerVariables = { weights: Variable; bias: Variable };

/** Weights uniform in ±sqrt(6 / inputs) (He et al. 2015) before a ReLU, ±sqrt(3 / inputs) before the output. */
function initialise(options: NetworkOptions, random: Random): LayerVariables[] {
  const { tf, features, hidden, outputs } = options;
  const units = [...hidden, outputs];
  return units.map((width, index) => {
    const inputs = index === 0 ? features.width : (units[index - 1] ?? 0);
    const bound = Math.sqrt((index < hidden.length ? 6 : 3) / inputs);
    const weights = Float32Array.from({ length: inputs * width }, () => (2 * random.uniform() - 1) * bound);
    return {
      weights: tf.variable(tf.tensor2d(weights, [inputs, width])),
      bias: tf.variable(tf.zeros([width])),
    };
  });
}

function trainStep(
  options: NetworkOptions,
  state: {
    variables: LayerVariables[];
    optimizer: ReturnType<TensorFlow['train']['adam']>;
    batch: Int32Array;
  },
): number {
  const { tf, features, targets, outputs } = options;
  const { variables, optimizer, batch } = state;
  return tf.tidy(() => {
    const inputs = tf.tensor2d(denseRows(features, batch), [batch.length, features.width]);
    const wanted = tf.tensor2d(rowsOf(targets, outputs, batch), [batch.length, outputs]);
    const { value, grads } = tf.variableGrads(
      () => penalised(options, variables, lossOf(options, forward(tf, variables, inputs), wanted)),
      variables.flatMap(({ weights, bias }) => [weights, bias]),
    );
    optimizer.applyGradients(Object.entries(grads).map(([name, tensor]) => ({ name, tensor })));
    return value.dataSync()[0] ?? Number.NaN;
  });
}

function forward(tf: TensorFlow, variables: readonly LayerVariables[], inputs: Tensor): Tensor {
  return variables.reduce((hidden, { weights, bias }, index) => {
    const sum = tf.add(tf.matMul(hidden, weights), bias);
    return index === variables.length - 1 ? sum : tf.relu(sum);
  }, inputs);
}

function lossOf({ tf, loss }: NetworkOptions, output: Tensor, wanted: Tensor): Tensor {
  if (loss === 'cross_entropy') return tf.losses.softmaxCrossEntropy(wanted, output);
  const error = tf.sub(output, wanted);
  return tf.mean(loss === 'mse' ? tf.square(error) : tf.abs(error));
}

function penalised({ tf, l2 }: NetworkOptions, variables: readonly LayerVariables[], loss: Tensor) {
  if (l2 === 0) return tf.reshape(loss, []) as ReturnType<TensorFlow['scalar']>;
  const squares = variables.map(({ weights }) => tf.sum(tf.square(weights)));
  return tf.add(loss, tf.mul(l2, tf.addN(squares))) as ReturnType<TensorFlow['scalar']>;
}

function rowsOf(matrix: Float32Array, width: number, indices: Int32Array): Float32Array {
  const rows = new Float32Array(indices.length * width);
  indices.forEach((row, at) => {
    rows.set(matrix.subarray(row * width, (row + 1) * width), at * width);
  });
  return rows;
}

function toLayer({ weights, bias }: LayerVariables): DenseLayer {
  const [inputs = 0, units = 0] = weights.shape;
  return {
    inputs,
    units,
    weights: weights.dataSync<'float32'>().slice(),
    bias: bias.dataSync<'float32'>().slice(),
  };
}

function checkedLoss(loss: number, epoch: number): number {
  if (Number.isFinite(loss)) return loss;
  throw new UserError(`training diverged in epoch ${epoch}: the loss is ${loss}`, {
    fix: 'lower learning_rate in model.yml, and look for extreme values in the inputs and the target',
  });
}

/** Raw outputs of the fitted layers, [rows, outputs] row-major: before softmax and before the target's scale. */
export function runNetwork(tf: TensorFlow, layers: readonly DenseLayer[], features: Encoded): Float32Array {
  const indices = Int32Array.from({ length: features.rows }, (_, row) => row);
  return tf.tidy(() => {
    const inputs: Tensor = tf.tensor2d(denseRows(features, indices), [features.rows, features.width]);
    const output = layers.reduce((hidden, { inputs: width, units, weights, bias }, index) => {
      const sum = tf.add(tf.matMul(hidden, tf.tensor2d(weights, [width, units])), tf.tensor1d(bias));
      return index === layers.length - 1 ? sum : tf.relu(sum);
    }, inputs);
    return output.dataSync<'float32'>().slice();
  });
}
