import { parseKeySet } from '#lib/data/content.ts';
import type { TrainResult } from '#lib/lifecycle/evidence.ts';
import type { Champion } from '#lib/lifecycle/plan.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { Evaluation } from '#lib/ml/evaluate.ts';
import { startPredictor } from '#lib/ml/predictor.ts';
import type { Predictor, PredictorOptions } from '#lib/ml/predictor-types.ts';
import { loadBundle } from '#lib/store/bundle.ts';
import type { StageDeps } from '../kit/stage.ts';

/** The models of one evaluation, each in a child process. */
export type Predictors = {
  twin: Predictor;
  /** Null where the judged bytes are the served ones. */
  served: Predictor | null;
  champion: Evaluation['champion'];
  servedBytes: Uint8Array;
  close(): Promise<void>;
};

export async function startPredictors(
  { candidate, signature, twin, served }: TrainResult,
  champion: Champion | null,
  { exchange, store }: Pick<StageDeps, 'exchange' | 'store'>,
): Promise<Predictors> {
  const running: Predictor[] = [];
  const close = async () => void (await Promise.all(running.map((predictor) => predictor.close())));
  const start = async (options: PredictorOptions) => {
    const predictor = await startPredictor(options);
    running.push(predictor);
    return predictor;
  };
  try {
    const servedBytes = await exchange.get(`train/${candidate.index}/served.onnx`, served.model);
    const twinBytes = await exchange.get(`train/${candidate.index}/twin.onnx`, twin.model);
    return {
      servedBytes,
      twin: await start({ model: twinBytes, signature }),
      served: served.model === twin.model ? null : await start({ model: servedBytes, signature }),
      champion: champion && (await startChampion(champion, { store, start })),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The bytes that serve now, verified against the digest that was approved. */
async function startChampion(
  champion: Champion,
  { store, start }: Pick<StageDeps, 'store'> & { start: (options: PredictorOptions) => Promise<Predictor> },
): Promise<Evaluation['champion']> {
  const loaded = await loadBundle({ store, digest: champion.bundle, model: champion.model });
  if (loaded.kind === 'refused') {
    throw new UserError(`the champion ${champion.version} can't be judged: ${loaded.message}`, {
      fix: 'check that the store is the one that it was registered in',
    });
  }
  const { model, signature } = loaded.bundle;
  return {
    predictor: await start({ model, signature }),
    signature,
    seen: parseKeySet(await store.get(champion.seen)),
  };
}
