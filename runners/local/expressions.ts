import { data, Evaluator, Lexer, Parser } from '@actions/expressions';
import type { FunctionDefinition } from '@actions/expressions/funcs/info';
import { TokenType } from '@actions/expressions/lexer';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Evaluates the text inside `${{ }}` over contexts by name; contains(), format() and their like are built in. */
export function evaluateExpression(
  text: string,
  contexts: Record<string, unknown>,
  functions: FunctionDefinition[] = [],
): data.ExpressionData {
  const value: unknown = JSON.parse(JSON.stringify(contexts), data.reviver);
  if (!(value instanceof data.Dictionary)) throw new Error('contexts are not an object');
  const tree = new Parser(lex(text), Object.keys(contexts), functions).parse();
  return new Evaluator(tree, value, new Map(functions.map((f) => [f.name.toLowerCase(), f]))).evaluate();
}

/** The library undoes only the first doubled quote of a string; here all of them are. */
export function lex(text: string): ReturnType<Lexer['lex']>['tokens'] {
  const { tokens } = new Lexer(text).lex();
  return tokens.map((token) =>
    token.type === TokenType.STRING
      ? { ...token, value: token.lexeme.slice(1, -1).replaceAll("''", "'") }
      : token,
  );
}

export function toJson(value: data.ExpressionData): Json {
  return JSON.parse(JSON.stringify(value, data.replacer) ?? 'null');
}

/** Fills in the expressions of a text; an expression that is the whole text keeps its type. */
export function fillIn(template: string, contexts: Record<string, unknown>): Json {
  const whole = /^\s*\$\{\{((?:(?!\$\{\{).)*)\}\}\s*$/s.exec(template);
  if (whole) return toJson(evaluateExpression(whole[1]?.trim() ?? '', contexts));
  return template.replace(/\$\{\{(.*?)\}\}/gs, (_, expression: string) =>
    evaluateExpression(expression.trim(), contexts).coerceString(),
  );
}
