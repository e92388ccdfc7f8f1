import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import type { DescribedResponse, Description, Schema } from './description.ts';

export type ApiVersion = '2022-11-28' | '2026-03-10';
export type Answer = {
  method: string;
  /** Without the API root and the query: `/repos/acme/bikes/pulls/1`. */
  path: string;
  status: number;
  /** Undefined where there was none, or none in JSON. */
  body: unknown;
};

/** A refusal that an operation does not describe has the form that most do. */
const REFUSAL: Schema = { $ref: '#/components/schemas/basic-error' };

const REMOVED_2026 = [
  ...['assignee', 'merge_commit_sha', 'rate', 'has_downloads', 'master_branch'],
  ...['use_squash_pr_title_as_default', 'authorizations_url'],
];

/**
 * Answers and deliveries held against the description: required keys, types, formats, enumerations. More keys than described are
 * allowed. `oneOf` is read as `anyOf`: GitHub's own alternatives overlap.
 *
 * The description is that of 2022-11-28. What 2026-03-10 removes (docs, rest/about-the-rest-api/breaking-changes)
 * must then be absent.
 */
export function openValidator(description: Description, version: ApiVersion) {
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
  addFormats.default(ajv);
  // What is not set is an empty string, also where the description says uri.
  ajv.addFormat('uri', (text) => text === '' || URL.canParse(text));
  // Bots have brackets in their addresses.
  ajv.addFormat('email', /^\S+@\S+$/);
  const removed = version === '2026-03-10' ? REMOVED_2026 : [];
  const schemas = Object.entries(description.components.schemas).map(([name, schema]) => [
    name,
    converted(schema, removed),
  ]);
  ajv.addSchema({ $id: 'github', components: { schemas: Object.fromEntries(schemas) } });
  const compiled = new Map<string, ValidateFunction>();
  const operations = operationsOf(description);

  function check(key: string, schema: Schema, value: unknown): string[] {
    const validate = compiled.get(key) ?? ajv.compile(converted(schema, removed) as Schema);
    compiled.set(key, validate);
    if (validate(value)) return [];
    const faults = validate.errors?.map(({ instancePath, message, params }) => {
      const more = 'allowedValues' in params ? ` (${params.allowedValues.join(', ')})` : '';
      return `${instancePath || '/'} ${message}${more}`;
    });
    return [...new Set(faults)];
  }

  return {
    /** The described operation that a path belongs to: `GET /repos/{owner}/{repo}`. */
    operation(method: string, path: string): string | undefined {
      return operations.find((one) => one.method === method && one.matches(path))?.name;
    },
    answer(answer: Answer): string[] {
      const found = operations.find((one) => one.method === answer.method && one.matches(answer.path));
      if (!found) return ['is not described'];
      const wanted = statusOf(found.name, answer.status, version);
      const response = resolve(description, found.responses[String(wanted)]);
      if (!response && answer.status >= 400 && answer.status < 500)
        return check('refusal', REFUSAL, answer.body);
      if (!response) return [`status ${answer.status} is not described`];
      const json = Object.entries(response.content ?? {}).find(([type]) => /json/.test(type))?.[1]?.schema;
      if (!json)
        return answer.body === undefined || answer.status >= 400
          ? []
          : [`status ${answer.status} has no body`];
      return check(`${found.name} ${wanted}`, json, answer.body);
    },
    /** `event` as in X-GitHub-Event. Undefined where GitHub describes no such delivery. */
    delivery(event: string, action: string | undefined, payload: unknown): string[] | undefined {
      const name = [event, action].filter(Boolean).join('-').replaceAll('_', '-');
      const schema = description['x-webhooks'][name]?.post.requestBody.content?.['application/json']?.schema;
      return schema && check(`webhook ${name}`, schema, payload);
    },
  };
}

export type Validator = ReturnType<typeof openValidator>;

function resolve(description: Description, response: DescribedResponse | undefined) {
  const name = response?.$ref?.split('/').at(-1);
  return name ? description.components.responses[name] : response;
}

/** With 2026-03-10 a dispatch always answers 200. */
function statusOf(name: string, status: number, version: ApiVersion): number {
  const dispatch = name === 'POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches';
  return dispatch && version === '2026-03-10' && status === 204 ? -204 : status;
}

function operationsOf({ paths }: Description) {
  const all = Object.entries(paths).flatMap(([path, methods = {}]) => {
    const parts = path.split('/');
    const pattern = parts.map((part) => part.replaceAll(/[.+]/g, '\\$&').replaceAll(/\{\w+\}/g, '[^/]+'));
    const matcher = new RegExp(`^${pattern.join('/')}$`);
    const literal = parts.filter((part) => !part.includes('{')).length;
    return Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      responses: operation?.responses ?? {},
      literal,
      matches: (wanted: string) => matcher.test(wanted),
    }));
  });
  // `/pulls/comments` before `/pulls/{pull_number}`.
  return all.sort((a, b) => b.literal - a.literal);
}

/** OpenAPI 3.0 as JSON Schema: `nullable`, references into one document, properties that a version removed. */
function converted(node: unknown, removed: string[]): unknown {
  if (Array.isArray(node)) return node.map((one) => converted(one, removed));
  if (typeof node !== 'object' || node === null) return node;
  const { nullable, example, examples, oneOf, $ref, properties, required, ...rest } = node as Schema & {
    properties?: Record<string, Schema>;
  };
  const made: Schema = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [key, key === 'enum' ? value : converted(value, removed)]),
  );
  if (typeof $ref === 'string') made.$ref = $ref.replace(/^#/, 'github#');
  if (oneOf) made.anyOf = converted(oneOf, removed);
  if (isUserOrEnterprise(node as Schema)) {
    made.anyOf = made.allOf;
    delete made.allOf;
  }
  if (properties) {
    const entries = Object.entries(properties).map(([key, value]) => [
      key,
      removed.includes(key) ? false : converted(key === 'events' ? anyEvents(value) : value, removed),
    ]);
    made.properties = Object.fromEntries(entries);
  }
  if (Array.isArray(required)) made.required = required.filter((key) => !removed.includes(key));
  return nullable ? { anyOf: [{ type: 'null' }, made] } : made;
}

/** The account of an installation is described as both at once, which nothing can be. */
function isUserOrEnterprise({ allOf }: Schema): boolean {
  const titles = Array.isArray(allOf) ? allOf.map(({ title }) => title) : [];
  return titles.includes('Simple User') && titles.includes('Enterprise');
}

/** The events of an app are described by a list that lacks newer ones, `sub_issues` among them. */
function anyEvents(events: Schema): Schema {
  return 'items' in events ? { ...events, items: { type: 'string' } } : events;
}
