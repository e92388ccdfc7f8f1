import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import { drive } from '../../openapi/drive.ts';

type Schema = { definitions: Record<string, unknown> };
const schema = loosened(createRequire(import.meta.url)('@octokit/webhooks-schemas')) as Schema;

/** An event that is younger than these schemas. */
const NEWER = ['sub_issues'];

/** What GitHub's newer OpenAPI description allows to be null, and these older schemas do not. */
const NULLABLE = [
  'installation$created /installation/requester',
  'installation$created /requester',
  ...['created', 'published', 'released'].flatMap((action) => [
    `release$${action} /release/name`,
    `release$${action} /release/body`,
  ]),
  ...['check_run', 'workflow', 'workflow_run'].map((key) => `deployment_status$created /${key}`),
];

test('every delivery is as octokit’s schemas of webhooks have it', async () => {
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
  addFormats.default(ajv);
  // What is not set is an empty string; bots have brackets in their addresses.
  ajv.addFormat('uri', (text) => text === '' || URL.canParse(text));
  ajv.addFormat('email', /^\S+@\S+$/);
  ajv.addSchema(schema, 'webhooks');
  const { deliveries } = await drive('2022-11-28');
  const faults = deliveries.flatMap(({ event, body }) => {
    const payload = JSON.parse(body) as { action?: string };
    const name = `${event}$${payload.action ?? 'event'}`;
    const validate = ajv.getSchema(`webhooks#/definitions/${name}`);
    if (!validate) return NEWER.includes(event) ? [] : [`${name} is not described`];
    if (validate(payload)) return [];
    const found = validate.errors ?? [];
    return found.map(({ instancePath, message }) => `${name} ${instancePath}: ${message}`);
  });
  const counted = new Set(faults.filter((fault) => !NULLABLE.includes(fault.split(':')[0] ?? '')));
  expect([...counted]).toEqual([]);
  expect(new Set(deliveries.map(({ event }) => event)).size).toBeGreaterThan(12);
});

/** More keys are allowed than described, and more events of an app: the schemas are older than the API. */
function loosened(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(loosened);
  if (typeof node !== 'object' || node === null) return node;
  const { additionalProperties, events, oneOf, ...rest } = node as Record<string, unknown>;
  const made: Record<string, unknown> = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [key, loosened(value)]),
  );
  if (typeof additionalProperties === 'object') made.additionalProperties = loosened(additionalProperties);
  if (events) made.events = { type: 'array', items: { type: 'string' } };
  if (oneOf) made.anyOf = loosened(oneOf);
  return made;
}
