import { data } from '@actions/expressions';
import type { FunctionDefinition } from '@actions/expressions/funcs/info';
import { evaluateExpression as evaluateIn, type Json, lex, toJson } from '../expressions.ts';
import { isExpression, isTemplateMap, type Template } from './template.ts';

export type { Json };

/** What an expression can see: the contexts by name, and the functions that depend on the job's state. */
export type Scope = {
  contexts: Record<string, Json>;
  functions: {
    success: () => boolean;
    failure: () => boolean;
    cancelled: () => boolean;
    hashFiles?: (patterns: string[]) => string;
  };
};

const statusFunctions = ['success', 'failure', 'cancelled', 'always'];
const contextNames = [
  'github',
  'env',
  'vars',
  'secrets',
  'inputs',
  'needs',
  'job',
  'steps',
  'runner',
  'matrix',
  'strategy',
  'jobs',
];

/** Evaluates a template to a plain value; an expression that is the whole value keeps its type. */
export function evaluate(template: Template, scope: Scope): Json {
  if (isExpression(template)) return toJson(evaluateExpression(template, scope));
  if (Array.isArray(template)) return template.map((item) => evaluate(item, scope));
  if (isTemplateMap(template)) {
    return Object.fromEntries([...template].map(([key, value]) => [key, evaluate(value, scope)]));
  }
  return template;
}

/** Evaluates to text the way GitHub does: null is empty, an object is the word Object. */
export function evaluateText(template: Template, scope: Scope): string {
  if (isExpression(template)) return evaluateExpression(template, scope).coerceString();
  if (template === null) return '';
  if (typeof template === 'object') return Array.isArray(template) ? 'Array' : 'Object';
  return String(template);
}

/** Evaluates an `env:` or `with:` mapping, which may also be one expression giving an object. */
export function evaluateTexts(template: Template, scope: Scope): Record<string, string> {
  if (!isTemplateMap(template)) {
    const value = evaluate(template, scope);
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, evaluateText(one === null ? '' : String(one), scope)]),
    );
  }
  return Object.fromEntries([...template].map(([key, value]) => [key, evaluateText(value, scope)]));
}

export function evaluateCondition(condition: string, scope: Scope): boolean {
  return Boolean(toJson(evaluateExpression({ expression: condition, line: 0 }, scope)));
}

/** The text of an `if:`; without a status function of its own it means `success() && (...)`. */
export function conditionOf(template: Template | undefined): string {
  const text = isExpression(template) ? template.expression : String(template ?? '').trim();
  if (text === '') return 'success()';
  return callsStatusFunction(text) ? text : `success() && (${text})`;
}

function callsStatusFunction(text: string): boolean {
  const tokens = lex(text);
  return tokens.some(
    (token, at) => statusFunctions.includes(token.lexeme.toLowerCase()) && tokens[at + 1]?.lexeme === '(',
  );
}

function evaluateExpression(
  { expression, line }: { expression: string; line: number },
  scope: Scope,
): data.ExpressionData {
  try {
    const missing = Object.fromEntries(contextNames.map((name) => [name, {}]));
    return evaluateIn(expression, { ...missing, ...scope.contexts }, functionsOf(scope));
  } catch (cause) {
    const where = line > 0 ? ` (line ${line})` : '';
    throw new Error(`The expression \${{ ${expression} }}${where} failed: ${messageOf(cause)}`, { cause });
  }
}

function functionsOf({ functions }: Scope): FunctionDefinition[] {
  const status = (name: string, holds: () => boolean): FunctionDefinition => ({
    name,
    minArgs: 0,
    maxArgs: 0,
    call: () => new data.BooleanData(holds()),
  });
  return [
    status('success', functions.success),
    status('failure', functions.failure),
    status('cancelled', functions.cancelled),
    status('always', () => true),
    {
      name: 'hashFiles',
      minArgs: 1,
      maxArgs: 255,
      call: (...patterns) => {
        if (!functions.hashFiles) throw new Error('hashFiles() can be used in steps only');
        return new data.StringData(functions.hashFiles(patterns.map((pattern) => pattern.coerceString())));
      },
    },
  ];
}

function messageOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault);
}
