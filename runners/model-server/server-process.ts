import { parseArgs } from 'node:util';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { logRoot } from '#lib/store/log-root.ts';
import { runAsProcess, say } from './run-process.ts';
import { startServer } from './serve.ts';

await runAsProcess('model server', () => {
  const { values } = parseArgs({
    options: {
      bundle: { type: 'string' },
      port: { type: 'string', default: '8080' },
      host: { type: 'string', default: '127.0.0.1' },
    },
  });
  if (values.bundle === undefined)
    throw new UserError('no bundle was named', {
      fix: 'add --bundle with a folder or a digest in the store',
    });
  return startServer({
    bundle: values.bundle,
    port: Number(values.port),
    host: values.host,
    store: process.env.ROUNDHOUSE_STORE_MAIN ?? null,
    logs: logRoot(process.env),
    log: say,
  });
});
