import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import util from 'node:util';

export type TensorFlow = typeof import('@tensorflow/tfjs-core');

/** `tensorflow` is libtensorflow on CPU or GPU, `wasm` is what every machine has. */
export type Backend = 'tensorflow' | 'wasm';

/**
 * TensorFlow.js on the best backend that is installed. It falls back to its slow JavaScript backend without
 * a word (for instance under a limit on address space), so the backend that really runs is asserted.
 */
export async function loadTensorflow(): Promise<{ tf: TensorFlow; backend: Backend }> {
  const tf = await import('@tensorflow/tfjs-core');
  // Registers the gradients of all kernels; core alone has none.
  await import('@tensorflow/tfjs-layers');
  const wanted: Backend = (await importNative()) ? 'tensorflow' : await importWasm();
  await tf.setBackend(wanted);
  await tf.ready();
  return { tf, backend: assertBackend(tf.getBackend(), wanted) };
}

export function assertBackend(actual: string, wanted: Backend): Backend {
  if (actual === wanted) return wanted;
  throw new Error(
    `TensorFlow.js runs on its "${actual}" backend instead of "${wanted}": limit memory with prlimit --data and not --as`,
  );
}

/** The optional peers. They are installed where a machine has what they need, and absent elsewhere. */
async function importNative(): Promise<boolean> {
  // tfjs-node 4.22 calls a function that Node 23 removed.
  const legacy = util as { isNullOrUndefined?: (value: unknown) => boolean };
  legacy.isNullOrUndefined ??= (value) => value === null || value === undefined;
  for (const name of ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']) {
    try {
      await import(name);
      return true;
    } catch {
      // Not installed, or its native library does not load here: the next one is tried.
    }
  }
  return false;
}

async function importWasm(): Promise<Backend> {
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(`${dirname(main)}/`);
  return 'wasm';
}
