import { columnNameFault } from '../lifecycle/scalars.ts';
import { TextFault } from './text-bytes.ts';

/** `column3`: what a column without a name is called, by its position from 1. */
function positionName(index: number): string {
  return `column${index + 1}`;
}

export type Names = { names: string[]; notes: string[] };

/**
 * Names of a file's columns from its header; null where it has none. They are kept as they are. Refused are
 * two that SQL can't tell apart, and those that no file of the user's could hold.
 */
export function columnNames(header: readonly string[] | null, columns: number): Names {
  if (header === null) {
    const names = Array.from({ length: columns }, (_, index) => positionName(index));
    return { names, notes: [`it has no header: its columns are called ${spanOf(names)}`] };
  }
  const nameless: string[] = [];
  const names = header.map((name, index) => {
    if (name.trim() !== '') return name;
    nameless.push(positionName(index));
    return positionName(index);
  });
  checkNames(names);
  const notes = nameless.length === 0 ? [] : [`columns without a name are called ${nameless.join(', ')}`];
  return { names, notes };
}

function spanOf(names: readonly string[]): string {
  return names.length < 3 ? names.join(', ') : `${names[0]} to ${names.at(-1)}`;
}

/** Throws a TextFault that says where the first name stands that can't be used. */
export function checkNames(names: readonly string[]): void {
  const seen = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    const fault = columnNameFault(name);
    if (fault !== null) {
      throw new TextFault(`the name of column ${index + 1} (${shownName(name)}) ${fault}`, {
        line: 1,
        fix: 'give the column another name in the header',
      });
    }
    const folded = name.toLowerCase();
    const former = seen.get(folded);
    if (former !== undefined) throw twice(names, former, index);
    seen.set(folded, index);
  }
}

function twice(names: readonly string[], former: number, index: number): TextFault {
  const [a = '', b = ''] = [names[former], names[index]];
  const same =
    a === b
      ? `are both called ${shownName(a)}`
      : `are called ${shownName(a)} and ${shownName(b)}, which SQL takes for one name`;
  return new TextFault(`columns ${former + 1} and ${index + 1} ${same}`, {
    line: 1,
    fix: 'give one of them another name in the header',
  });
}

function shownName(name: string): string {
  const short = name.length > 40 ? `${name.slice(0, 40)}…` : name;
  return JSON.stringify(short);
}
