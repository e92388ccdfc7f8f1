/**
 * Markers make a comment, issue or release of ours findable again: the first line of its body. Who wrote the
 * body is for the caller to check, since anybody can type a marker.
 */
export type Marker = { kind: string; key: string };

const MARKER = /^<!-- roundhouse:([a-z-]+) ([\w./@#:+-]+) -->$/;

export function renderMarker({ kind, key }: Marker): string {
  const line = `<!-- roundhouse:${kind} ${key} -->`;
  if (!MARKER.test(line)) throw new TypeError(`not a marker: ${line}`);
  return line;
}

/** The marker that a body starts with. */
export function readMarker(body: string | null | undefined): Marker | null {
  const match = MARKER.exec((body ?? '').split(/\r?\n/, 1)[0] ?? '');
  return match?.[1] && match[2] ? { kind: match[1], key: match[2] } : null;
}

/** A body that `readMarker` finds again. */
export function withMarker(marker: Marker, body: string): string {
  return `${renderMarker(marker)}\n${body}`;
}

export function hasMarker(body: string | null | undefined, { kind, key }: Marker): boolean {
  const marker = readMarker(body);
  return marker?.kind === kind && marker.key === key;
}

/**
 * Puts a section into a body, in place of the one of that name or at the end: several jobs, each with a
 * section of its own, keep one comment.
 */
export function replaceSection(body: string, name: string, text: string): string {
  const start = `<!-- roundhouse-section:${name} -->`;
  const end = `<!-- /roundhouse-section:${name} -->`;
  const section = `${start}\n${text.trim()}\n${end}`;
  const from = body.indexOf(start);
  const until = body.indexOf(end, from);
  if (from === -1 || until === -1) return `${body.trimEnd()}\n\n${section}\n`;
  return `${body.slice(0, from)}${section}${body.slice(until + end.length)}`;
}
