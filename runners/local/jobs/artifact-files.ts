import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { unzipSync, zipSync } from 'fflate';
import { globSync, isDynamicPattern } from 'tinyglobby';

/** Files that patterns name, and the folder they are stored relative to. */
export type FileSet = { root: string; files: string[] };

/**
 * One pattern a line, `!` excludes. As in actions/upload-artifact the paths inside the archive begin at the
 * least common folder of the search paths.
 */
export function findFiles(input: { patterns: string; cwd: string; hidden: boolean }): FileSet {
  const lines = input.patterns
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const included = lines.filter((line) => !line.startsWith('!')).map((line) => resolve(input.cwd, line));
  const excluded = lines
    .filter((line) => line.startsWith('!'))
    .map((line) => resolve(input.cwd, line.slice(1)));
  const root = commonFolder(included.map(searchPath));
  const found = globSync(included, {
    cwd: root,
    absolute: true,
    dot: input.hidden,
    ignore: excluded,
    followSymbolicLinks: false,
  });
  return { root, files: found.toSorted() };
}

/** Files of a pattern list below `cwd`, for hashFiles(). */
export function matchFiles(patterns: string[], cwd: string): string[] {
  const own = patterns.filter((pattern) => !pattern.startsWith('!'));
  const ignore = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  return globSync(own, { cwd, ignore, absolute: true, dot: true, expandDirectories: false }).toSorted();
}

export function zipFiles({ root, files }: FileSet): Uint8Array {
  const entries = files.map(
    (file) => [relative(root, file).split(sep).join('/'), new Uint8Array(readFileSync(file))] as const,
  );
  // One date for all entries: equal files make equal archives.
  return zipSync(Object.fromEntries(entries), { mtime: new Date(1980, 0, 2) });
}

/** Refuses the whole archive before writing anything when one entry points outside `folder`. */
export function unzipInto(folder: string, zip: Uint8Array): string[] {
  const files = Object.entries(unzipSync(zip)).filter(([name]) => !name.endsWith('/'));
  for (const [name] of files) {
    if (!isInside(folder, join(folder, name)) || isAbsolute(name))
      throw new Error(`The archive has a file outside its folder: ${name}`);
  }
  for (const [name, bytes] of files) {
    const target = join(folder, name);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, bytes);
  }
  return files.map(([name]) => name);
}

export function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/** The part of a pattern before its first wildcard; for a plain file its folder. */
function searchPath(pattern: string): string {
  const parts = pattern.split(sep);
  const wild = parts.findIndex((part) => isDynamicPattern(part));
  if (wild >= 0) return parts.slice(0, wild).join(sep) || sep;
  return existsSync(pattern) && statSync(pattern).isFile() ? dirname(pattern) : pattern;
}

function commonFolder(paths: string[]): string {
  const [first = sep, ...rest] = paths;
  return rest.reduce((common, path) => {
    let folder = common;
    while (!isInside(folder, path)) folder = dirname(folder);
    return folder;
  }, first);
}
