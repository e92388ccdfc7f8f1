import { type Document, isNode, parse, parseDocument } from 'yaml';

/** `value` is YAML in one line, such as `{ last: P90D, until: 2012-01-01 }`. */
export type YamlEdit = { path: (string | number)[]; value: string };

/**
 * Replaces values, and nothing else: comments and layout survive byte for byte. What is not there yet is appended,
 * at the top level as a line of its own; deeper down the document is written anew, with its comments.
 */
export function editYaml(text: string, edits: readonly YamlEdit[]): string {
  const document = parseDocument(text);
  const isThere = ({ path }: YamlEdit) => document.hasIn(path);
  const replaced = replaceValues(text, document, edits.filter(isThere));
  return edits.filter((edit) => !isThere(edit)).reduce(addValue, replaced);
}

function replaceValues(text: string, document: Document, edits: readonly YamlEdit[]): string {
  return edits
    .map(({ path, value }) => {
      const node = document.getIn(path, true);
      const range = isNode(node) ? node.range : null;
      if (!range) throw new Error(`${path.join('.')} has no place in the text`);
      return { from: range[0], until: range[1], value };
    })
    .sort((a, b) => b.from - a.from)
    .reduce((before, { from, until, value }) => before.slice(0, from) + value + before.slice(until), text);
}

function addValue(text: string, { path, value }: YamlEdit): string {
  if (path.length === 1) return `${text}${text.endsWith('\n') ? '' : '\n'}${path[0]}: ${value}\n`;
  const document = parseDocument(text);
  document.setIn(path, parse(value));
  return document.toString({ lineWidth: 0 });
}
