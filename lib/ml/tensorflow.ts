import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import util from 'node:util';
import { UserError } from '../lifecycle/user-error.ts';

export type TensorFlow = typeof import('@tensorflow/tfjs-core');

/** `tensorflow` is libtensorflow on CPU or GPU, `wasm` is what every machine has. */
export type Backend = 'tensorflow' | 'wasm';

/** `auto` takes the native one where it is installed. */
export const BACKEND_CHOICES = ['auto', 'tensorflow', 'wasm'] as const;
export type BackendChoice = (typeof BACKEND_CHOICES)[number];

/**
 * TensorFlow.js on the backend that is asked for, by default the best that is installed. It falls back to its slow JavaScript backend without
 * a word (for instance under a limit on address space), so the backend that really runs is asserted.
 */
export async function loadTensorflow(
  choice: BackendChoice = 'auto',
): Promise<{ tf: TensorFlow; backend: Backend }> {
  const tf = await import('@tensorflow/tfjs-core');
  // Registers the gradients of all kernels; core alone has none.
  await import('@tensorflow/tfjs-layers');
  const native = choice === 'wasm' ? false : await importNative();
  if (choice === 'tensorflow' && !native) throw nativeIsAbsent();
  const wanted: Backend = native ? 'tensorflow' : await importWasm();
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

function nativeIsAbsent(): UserError {
  return new UserError(
    'the backend "tensorflow" was asked for, and neither @tensorflow/tfjs-node-gpu nor @tensorflow/tfjs-node can be loaded here',
    {
      fix: 'on the runner: `npm install @tensorflow/tfjs-node && npm rebuild @tensorflow/tfjs-node --ignore-scripts=false`, or ask for the backend "wasm"',
    },
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
