import { digestSchema } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { startPredictor } from '#lib/ml/predictor.ts';
import { openStore } from '#lib/store/open.ts';
import { openBundleFolder } from './bundle-folder.ts';
import { openRecordLog } from './record-log.ts';
import { openRouter } from './router.ts';
import { createCounts, loadModel } from './served-model.ts';

export type ServerOptions = {
  /** A folder with manifest.json, or a digest in the store. */
  bundle: string;
  /** 0 = any. */
  port: number;
  host?: string;
  /** URL of the store, where `bundle` is a digest. */
  store: string | null;
  /** Root of the prediction log; null = nothing is logged. */
  logs: string | null;
  environment?: string;
  version?: string;
  log: (line: string) => void;
};

/** Serves one bundle by itself. All but the approved digest is checked as in a deployment. */
export async function startServer(options: ServerOptions): Promise<{ url: string; close(): Promise<void> }> {
  const { port, host = '127.0.0.1', logs, environment = 'local', version = '0.0.0', log } = options;
  const { digest, store } = await locate(options);
  const load = await loadModel({
    store,
    name: options.bundle,
    digest,
    model: null,
    start: startPredictor,
    log,
  });
  if (load.kind === 'refused')
    throw new UserError(load.message, {
      fix: 'serve the bundle as it was evaluated; evaluate makes it again',
    });
  const { bundle, process } = load.model;
  const records = logs === null ? null : openRecordLog({ root: logs, log });
  const routed = {
    version,
    candidate: null,
    bundle: digest,
    model: bundle.modelDigest,
    weight: 100,
    since: new Date().toISOString(),
    window: createCounts(),
    loaded: load.model,
  };
  const models = new Map([[bundle.manifest.model, [routed]]]);
  const router = await openRouter({ environment, models, records }, { port, host });
  return {
    url: router.url,
    async close() {
      await router.close();
      await process.close();
      await records?.close();
    },
  };
}

async function locate({ bundle, store }: ServerOptions) {
  const digest = digestSchema.safeParse(bundle);
  if (!digest.success) return openBundleFolder(bundle);
  if (store !== null) return { digest: digest.data, store: openStore(store) };
  throw new UserError(`${bundle} is a digest, and no store is known`, {
    fix: 'set ROUNDHOUSE_STORE_MAIN, for example to file:///srv/roundhouse/store',
  });
}
