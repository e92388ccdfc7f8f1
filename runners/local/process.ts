import { resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { startLocal } from './local.ts';

const { values } = parseArgs({
  options: {
    dir: { type: 'string', default: '.roundhouse/local' },
    port: { type: 'string', default: '4440' },
    owner: { type: 'string', default: 'acme' },
    repository: { type: 'string', default: 'bikes' },
  },
});

const local = await startLocal({
  dir: resolve(values.dir),
  port: Number(values.port),
  owner: values.owner,
  repository: values.repository,
  people: [
    { login: 'product-owner', role: 'write' },
    { login: 'data-scientist', role: 'write' },
    { login: 'ml-lead', role: 'maintain' },
  ],
  onExit: (name, how) => process.stderr.write(`${name} ended: ${how}\n`),
});
process.stdout.write(
  [
    `local GitHub  ${local.url}/${values.owner}/${values.repository}`,
    `API           ${local.apiUrl}`,
    `supervisor    ${local.supervisorUrl}`,
    `app           ${local.appUrl}`,
    `tokens        ${resolve(values.dir)}/secrets.json (to act on the pages: /login)`,
    'Ctrl-C stops all of it.',
    '',
  ].join('\n'),
);
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void local.stop().then(() => process.exit(0)));
