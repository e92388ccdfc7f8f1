import type { TemplateToken } from '@actions/workflow-parser/templates/tokens/template-token';
import {
  isBasicExpression,
  isBoolean,
  isMapping,
  isNumber,
  isSequence,
  isString,
} from './workflow-parser.ts';

/** The text inside `${{ }}`; text around it has become a call of format(). `line` is one-based. */
export type Expression = { readonly expression: string; readonly line: number };
export type TemplateMap = ReadonlyMap<string, Template>;
/** A YAML value in which expressions are not yet evaluated. */
export type Template = string | number | boolean | null | Expression | Template[] | TemplateMap;

export function toTemplate(token: TemplateToken): Template {
  if (isString(token) || isNumber(token) || isBoolean(token)) return token.value;
  if (isBasicExpression(token)) return { expression: token.expression, line: token.line ?? 0 };
  if (isSequence(token)) return [...token].map(toTemplate);
  if (isMapping(token))
    return new Map([...token].map(({ key, value }) => [key.toString(), toTemplate(value)]));
  return null;
}

export function isTemplateMap(template: Template | undefined): template is TemplateMap {
  return template instanceof Map;
}

export function isExpression(template: Template | undefined): template is Expression {
  return typeof template === 'object' && template !== null && 'expression' in template;
}

export function mapOf(template: Template | undefined): TemplateMap {
  return isTemplateMap(template) ? template : new Map();
}

export function listOf(template: Template | undefined): Template[] {
  return Array.isArray(template) ? template : [];
}

export function textOf(template: Template | undefined): string | undefined {
  return typeof template === 'string' ? template : undefined;
}
