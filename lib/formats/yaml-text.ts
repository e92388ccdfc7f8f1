import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';

/** A value that a fault points to: a line and a column, counted from 1. */
export type Position = { line: number; column: number };
export type TextFault = Position & { message: string };

const MAX_YAML_BYTES = 64 * 1024;
const MAX_DEPTH = 64;

export type ParsedYaml = {
  /** Plain values; undefined when there are faults. */
  value: unknown;
  faults: TextFault[];
  /** Where the value (or, with `key`, the key) at a path stands; the nearest parent where it is missing. */
  positionOf(path: readonly PropertyKey[], key?: string): Position;
};

/**
 * Reads YAML from people we don't trust: capped in size and depth before it is parsed (the parser recurses),
 * duplicate keys found in linear time (its own check is quadratic), aliases bounded.
 */
export function parseYaml(text: string): ParsedYaml {
  const lines = new LineCounter();
  const start = { line: 1, column: 1 };
  const refused = (fault: TextFault): ParsedYaml => ({
    value: undefined,
    faults: [fault],
    positionOf: () => start,
  });
  if (new TextEncoder().encode(text).length > MAX_YAML_BYTES) {
    return refused({ ...start, message: `the file is larger than ${MAX_YAML_BYTES / 1024} KB` });
  }
  const deep = tooDeep(text);
  if (deep !== null)
    return refused({ line: deep, column: 1, message: `nested deeper than ${MAX_DEPTH} levels` });
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    version: '1.2',
  });
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const faults = [
    ...[...document.errors, ...document.warnings].map((error) => ({
      ...at(error.pos[0]),
      message: error.message.replace(/\s+/g, ' '),
    })),
    ...keyFaults(document, at),
  ];
  const positionOf = (path: readonly PropertyKey[], key?: string) => at(offsetOf(document, path, key));
  if (faults.length > 0) return { value: undefined, faults, positionOf };
  try {
    return { value: document.toJS({ maxAliasCount: 20 }) ?? null, faults, positionOf };
  } catch (cause) {
    const message = `aliases that expand too far (${cause instanceof Error ? cause.message : 'unknown'})`;
    return { value: undefined, faults: [{ ...start, message }], positionOf };
  }
}

/**
 * The first line nested too deep, or null. Depth is bounded from above by open flow brackets, the line's
 * indentation, and its block indicators (`- - -` nests without either).
 */
function tooDeep(text: string): number | null {
  let line = 1;
  let flow = 0;
  let indent = 0;
  let indicators = 0;
  let atLineStart = true;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') flow += 1;
    else if (token === ']' || token === '}') flow = Math.max(0, flow - 1);
    else if (token === '-' || token === '?' || token === ':') indicators += 1;
    else if (atLineStart && /^[ \t]+$/.test(token)) indent = Math.ceil(token.length / 2);
    if (flow + indent + indicators > MAX_DEPTH) return line;
    const breaks = token.match(/\n/g)?.length ?? 0;
    atLineStart = breaks > 0 && token.endsWith('\n');
    if (breaks > 0) {
      line += breaks;
      indicators = 0;
      indent = 0;
    }
  }
  return null;
}

function keyFaults(document: Document.Parsed, at: (offset: number) => Position): TextFault[] {
  const faults: TextFault[] = [];
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        const position = at(isScalar(key) || isMap(key) || isSeq(key) ? (key.range?.[0] ?? 0) : 0);
        if (!isScalar(key) || key.value === null) {
          faults.push({ ...position, message: 'a key must be plain text' });
          continue;
        }
        const name = String(key.value);
        if (name === '__proto__') faults.push({ ...position, message: 'the key "__proto__" is not allowed' });
        if (seen.has(name)) faults.push({ ...position, message: `the key "${name}" is there twice` });
        seen.add(name);
      }
    },
  });
  return faults;
}

function offsetOf(document: Document.Parsed, path: readonly PropertyKey[], key?: string): number {
  let node: Node | null = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [index, step] of [...path, ...(key === undefined ? [] : [key])].entries()) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
      if (!pair) return offset;
      const value = pair.value as Node | null;
      const asKey =
        index === path.length || value === null || startOf(value) === null || isMap(value) || isSeq(value);
      offset = (asKey ? startOf(pair.key as Node) : startOf(value)) ?? offset;
      node = value;
    } else if (isSeq(node)) {
      const item = node.items[Number(step)] as Node | undefined;
      offset = startOf(item ?? null) ?? offset;
      node = item ?? null;
    } else return offset;
  }
  return offset;
}

function startOf(node: Node | null): number | null {
  return node?.range?.[0] ?? null;
}
