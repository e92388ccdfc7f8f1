import { parse } from 'yaml';

const MAX_BYTES = 512 * 1024;
const MAX_DEPTH = 100;

/** A file of a repository as a value, or why it is none: a broken file must not break the server that reads it. */
export function readYaml(text: string): { value: unknown } | { fault: string } {
  if (text.length > MAX_BYTES) return { fault: `larger than ${MAX_BYTES} bytes` };
  if (deepest(text) > MAX_DEPTH) return { fault: `nested deeper than ${MAX_DEPTH}` };
  try {
    return { value: parse(text, { maxAliasCount: 100 }) };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}

/** The parser aborts the process on a thousand nested flow collections: count before parsing. */
function deepest(text: string): number {
  let depth = 0;
  let most = 0;
  for (const character of text) {
    if (character === '[' || character === '{') most = Math.max(most, ++depth);
    else if (character === ']' || character === '}') depth = Math.max(0, depth - 1);
  }
  return most;
}
