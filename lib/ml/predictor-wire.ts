import type { Signature } from '../lifecycle/bundle.ts';
import type { Feed, Prediction } from './predictor-types.ts';

/** What parent and child say to each other, over the fork's channel with structured clones. */
export type Request =
  | { id: number; kind: 'load'; model: Uint8Array; signature: Signature; threads: number }
  | { id: number; kind: 'predict'; feed: Feed; rows: number };

export type Reply =
  | { id: number; kind: 'loaded' }
  | { id: number; kind: 'predicted'; prediction: Prediction }
  /** `fix` is there when the user can mend it. */
  | { id: number; kind: 'failed'; message: string; fix: string | null };
