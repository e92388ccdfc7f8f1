/**
 * GitHub's own workflow parser, made loadable. Its published files import JSON without the attribute that
 * Node asks for, so plain Node refuses them; a loader hook for that one package gives the JSON as a module.
 */
import { register } from 'node:module';

const jsonAsModule = `
import { readFile } from 'node:fs/promises';
const wanted = /\\/@actions\\/workflow-parser\\/dist\\/[^/]+\\.json$/;
export async function load(url, context, next) {
  const path = url.split('?')[0];
  if (!wanted.test(path)) return next(url, context);
  return { format: 'module', shortCircuit: true, source: 'export default ' + await readFile(new URL(path), 'utf8') };
}`;
register(`data:text/javascript,${encodeURIComponent(jsonAsModule)}`);

const parser = await import('@actions/workflow-parser');
const context = await import('@actions/workflow-parser/templates/template-context');
const schemas = await import('@actions/workflow-parser/workflows/workflow-schema');
const definitions = await import('@actions/workflow-parser/templates/schema/mapping-definition');
const properties = await import('@actions/workflow-parser/templates/schema/property-definition');
const tokens = await import('@actions/workflow-parser/templates/tokens/index');
const actions = await import('@actions/workflow-parser/actions/index');

export const { parseWorkflow, convertWorkflowTemplate } = parser;
export const { isBasicExpression, isBoolean, isMapping, isNumber, isSequence, isString } = parser;
export const { parseAction } = actions;

/** A context that collects errors; its schema also knows the keys that are younger than the parser. */
export function workflowContext(): InstanceType<typeof context.TemplateContext> {
  const schema = schemas.getWorkflowSchema();
  for (const name of ['workflow-root-strict', 'job-factory']) {
    const definition = schema.definitions[name];
    if (!(definition instanceof definitions.MappingDefinition)) {
      throw new Error(`the workflow parser's schema has no mapping '${name}'`);
    }
    definition.properties['cache-mode'] ??= new properties.PropertyDefinition(
      new tokens.StringToken(undefined, undefined, 'non-empty-string', undefined),
    );
  }
  return new context.TemplateContext(new context.TemplateValidationErrors(), schema, noTrace);
}

export const noTrace = new parser.NoOperationTraceWriter();
