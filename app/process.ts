import { parseArgs } from 'node:util';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { startApp } from './server.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '3000' } } });

try {
  const app = await startApp({ port: Number(values.port), env: process.env });
  process.stdout.write(`app ready on ${app.url}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void app.close().then(() => process.exit(0)));
  }
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`${error.told}\n`);
  process.exit(2);
}
