/** Errors about values, which quote them. */
const OF_VALUES = /^(Conversion|Invalid Input|Out of Range|Constraint) Error/;
/** From here on a message shows SQL, rows or general advice. */
const REST = /^(LINE \d+:|Original Line:|Possible fixes:|Possible Solution|\* )/;

/**
 * What DuckDB said, in one line, and the line of the SQL it points at. Cells and rows that it quotes are left
 * out: an error ends up in logs and annotations.
 */
export function sqlFault(error: unknown): { message: string; line: number | null } {
  const text = (error instanceof Error ? error.message : String(error)).replace(
    /^Failed to \w+ statements?: /,
    '',
  );
  const lines = text.split('\n').map((line) => line.trim());
  const end = lines.findIndex((line) => REST.test(line));
  const [said = '', ...more] = lines.slice(0, end < 0 ? 3 : end).filter(Boolean);
  const message = OF_VALUES.test(said) ? withoutValues(said) : [said, ...more].join(' ');
  const line = /^LINE (\d+):/m.exec(text)?.[1];
  return { message, line: line === undefined ? null : Number(line) };
}

function withoutValues(text: string): string {
  return text.replace(/(['"]).*?\1/g, '$1…$1').replace(/(?<!Line: )(?<![\w.])-?\d+(\.\d+)?\b/g, '…');
}
