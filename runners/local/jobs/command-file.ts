/**
 * Reads GITHUB_ENV, GITHUB_OUTPUT or GITHUB_STATE: lines `name=value`, or `name<<DELIMITER`, the lines of the
 * value, and the delimiter on a line of its own.
 */
export function parseAssignments(text: string): [name: string, value: string][] {
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
  const assignments: [string, string][] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (line === '') continue;
    const equals = line.indexOf('=');
    const heredoc = line.indexOf('<<');
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      assignments.push([nameIn(line, equals), line.slice(equals + 1)]);
    } else if (heredoc >= 0) {
      const delimiter = line.slice(heredoc + 2);
      const end = lines.indexOf(delimiter, at + 1);
      if (delimiter === '' || end < 0)
        throw new Error(`Invalid value. Matching delimiter not found '${delimiter}'`);
      assignments.push([nameIn(line, heredoc), lines.slice(at + 1, end).join('\n')]);
      at = end;
    } else {
      throw new Error(`Invalid format '${line}'`);
    }
  }
  return assignments;
}

/** GITHUB_PATH: one folder a line. */
export function parsePaths(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line !== '');
}

function nameIn(line: string, end: number): string {
  if (end === 0) throw new Error(`Invalid format '${line}'. Name must not be empty`);
  return line.slice(0, end);
}
