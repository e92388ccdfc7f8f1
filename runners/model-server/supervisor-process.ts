import { parseArgs } from 'node:util';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { logRoot } from '#lib/store/log-root.ts';
import { openStore } from '#lib/store/open.ts';
import { runAsProcess, say } from './run-process.ts';
import { startSupervisor } from './supervisor.ts';

await runAsProcess('supervisor', () => {
  const { values } = parseArgs({
    options: {
      dir: { type: 'string', default: '.roundhouse/supervisor' },
      port: { type: 'string', default: '4450' },
      host: { type: 'string', default: '127.0.0.1' },
      environment: { type: 'string', multiple: true },
    },
  });
  return startSupervisor({
    dir: values.dir,
    port: Number(values.port),
    host: values.host,
    environments: values.environment ?? [],
    token: required('ROUNDHOUSE_SUPERVISOR_TOKEN', 'the bearer token that deploy jobs present'),
    store: openStore(required('ROUNDHOUSE_STORE_MAIN', 'the store, such as file:///srv/roundhouse/store')),
    logs: logRoot(process.env),
    log: say,
  });
});

function required(variable: string, what: string): string {
  const value = process.env[variable];
  if (value) return value;
  throw new UserError(`${variable} is not set`, { fix: `set it to ${what}` });
}
