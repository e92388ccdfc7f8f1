/** A workflow command: `::error file=a.ts,line=3::message` on a line of output. */
export type Command = { name: string; properties: Record<string, string>; value: string };

export function parseCommand(line: string): Command | null {
  const match = /^\s*::([A-Za-z][A-Za-z0-9-]*)(?:\s+([^\r\n]*?))?::(.*)$/.exec(line);
  if (!match) return null;
  const [, name = '', properties = '', value = ''] = match;
  return { name: name.toLowerCase(), properties: parseProperties(properties), value: decodeValue(value) };
}

function parseProperties(text: string): Record<string, string> {
  const pairs = text.split(',').flatMap((pair) => {
    const at = pair.indexOf('=');
    return at > 0 ? [[pair.slice(0, at).trim(), decodeProperty(pair.slice(at + 1))] as const] : [];
  });
  return Object.fromEntries(pairs);
}

function decodeValue(text: string): string {
  return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
}

function decodeProperty(text: string): string {
  return decodeValue(text.replaceAll('%3A', ':').replaceAll('%2C', ','));
}
