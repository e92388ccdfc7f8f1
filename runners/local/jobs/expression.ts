import { data, Evaluator, Lexer, Parser } from '@actions/expressions';
import type { FunctionDefinition } from '@actions/expressions/funcs/info';
import { TokenType } from '@actions/expressions/lexer';
import { isExpression, isTemplateMap, type Template } from './template.ts';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

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
    const functions = functionsOf(scope);
    const tree = new Parser(lex(expression), contextNames, functions).parse();
    return new Evaluator(
      tree,
      contextData(scope),
      new Map(functions.map((f) => [f.name.toLowerCase(), f])),
    ).evaluate();
  } catch (cause) {
    const where = line > 0 ? ` (line ${line})` : '';
    throw new Error(`The expression \${{ ${expression} }}${where} failed: ${messageOf(cause)}`, { cause });
  }
}

/** The library undoes only the first doubled quote of a string; here all of them are. */
function lex(text: string): ReturnType<Lexer['lex']>['tokens'] {
  const { tokens } = new Lexer(text).lex();
  return tokens.map((token) =>
    token.type === TokenType.STRING
      ? { ...token, value: token.lexeme.slice(1, -1).replaceAll("''", "'") }
      : token,
  );
}

function contextData(scope: Scope): data.Dictionary {
  const missing = Object.fromEntries(contextNames.map((name) => [name, {}]));
  const value: unknown = JSON.parse(JSON.stringify({ ...missing, ...scope.contexts }), data.reviver);
  if (!(value instanceof data.Dictionary)) throw new Error('contexts are not an object');
  return value;
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

function toJson(value: data.ExpressionData): Json {
  return JSON.parse(JSON.stringify(value, data.replacer) ?? 'null');
}

function messageOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault);
}
