/** What DuckDB said, in one line, and the line of the SQL it points at. Rows that it quotes are left out. */
export function sqlFault(error: unknown): { message: string; line: number | null } {
  const text = (error instanceof Error ? error.message : String(error)).replace(
    /^Failed to \w+ statements?: /,
    '',
  );
  const lines = text.split('\n').map((line) => line.trim());
  const end = lines.findIndex((line) =>
    /^(LINE \d+:|Original Line:|Possible fixes:|\* |Possible Solution)/.test(line),
  );
  const message = lines
    .slice(0, end < 0 ? 3 : end)
    .filter(Boolean)
    .join(' ');
  const line = /^LINE (\d+):/m.exec(text)?.[1];
  return { message, line: line === undefined ? null : Number(line) };
}
