import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';

type Root = ReturnType<typeof fromMarkdown>;
type Nodes = Root | Root['children'][number];

/** What GitHub makes of plain text after Markdown is done. A mention needs a login, a reference a number. */
const LINKED_LATER: [string, RegExp][] = [
  ['mention', /(?<![\w/])@[A-Za-z0-9][\w-]*/g],
  ['reference', /#\d+/g],
  ['reference', /\bGH-\d+/gi],
  ['emoji', /:[\w+-]+:/g],
];

/**
 * How Markdown is built, without its words: the kinds of nodes in their order with what they point to, HTML as it
 * is written, and what GitHub would link in plain text. Two texts of one template differ in words alone. Read by
 * micromark, with GitHub's extensions and its bare addresses.
 */
export function structureOf(markdown: string): string[] {
  const found: string[] = [];
  const walk = (node: Nodes, depth: number) => {
    const indent = ' '.repeat(depth);
    if (node.type === 'text') found.push(...laterIn(node.value).map((mark) => `${indent}${mark}`));
    else found.push(`${indent}${nameOf(node)}`);
    if ('children' in node) for (const child of node.children) walk(child, depth + 1);
  };
  walk(fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] }), 0);
  // What can't stand between backticks stands between tags.
  return found
    .join('\n')
    .replace(/html <code>\n(\s*)html <\/code>/g, 'inlineCode')
    .split('\n');
}

function nameOf(node: Nodes): string {
  switch (node.type) {
    case 'html':
      return `html ${node.value}`;
    case 'link':
    case 'image':
      return `${node.type} ${node.url}`;
    case 'heading':
      return `heading ${node.depth}`;
    case 'listItem':
      return typeof node.checked === 'boolean' ? 'task' : node.type;
    default:
      return node.type;
  }
}

function laterIn(text: string): string[] {
  return LINKED_LATER.flatMap(([kind, pattern]) =>
    [...text.matchAll(pattern)].map(([mark]) => `${kind} ${mark}`),
  );
}
