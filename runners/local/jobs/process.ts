import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LocalSecrets } from '../protocol.ts';
import { defaultLabels, startJobRunner } from './runner.ts';

const { values } = parseArgs({
  options: {
    dir: { type: 'string', default: '.roundhouse/local' },
    url: { type: 'string', default: 'http://127.0.0.1:4440' },
    label: { type: 'string', multiple: true },
    parallel: { type: 'string', default: '2' },
    'pass-env': { type: 'string', multiple: true },
  },
});
const secrets = JSON.parse(readFileSync(join(values.dir, 'secrets.json'), 'utf8')) as LocalSecrets;
const say = (line: string) => process.stdout.write(`${line}\n`);

const runner = await startJobRunner({
  url: values.url,
  control: secrets.control,
  dir: values.dir,
  labels: [...defaultLabels, ...(values.label ?? [])],
  parallel: Number(values.parallel),
  passEnv: values['pass-env'] ?? [],
  log: say,
});
say('job runner ready');
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void runner.close().then(() => process.exit(0)));
}
