import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJournal } from '../../runners/local/github/journal.ts';
import {
  IGNORED_AUDIT_EVENTS,
  IGNORED_AUDIT_FIELDS,
  IGNORED_AUDIT_FILES,
  IGNORED_CLAIM_FIELDS,
  IGNORED_FIELDS,
  IGNORED_REFS,
  IGNORED_ROWS,
  IGNORED_TABLES,
} from './ignored.ts';

/** Sorted lines, one per row, file, tag or object: equal worlds have equal lines. */
export type NormalForm = string[];

const TOKEN =
  /\b\d{10} [+-]\d{4}\b|http:\/\/127\.0\.0\.1:\d+|\d{4}-\d\d-\d\dT\d\d:\u200b?\d\d:\d\d(?:\.\d+)?Z|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{64}\b|\b[0-9a-f]{40}\b|\b[0-9a-f]{32}\b|\b[0-9a-f]{16}\b|\b[0-9a-f]{12}\b|\b1\d{6}\b/g;

/** What a world has, with every id, time, hash and address as it is. */
export async function readWorld(dir: string): Promise<string[]> {
  const rows = await readRows(dir, branchTips(join(dir, 'github')));
  return [...rows, ...readGit(join(dir, 'github')), ...readStore(join(dir, 'store'))];
}

/**
 * Tokens that are the same in several crash-free runs: they have to be the same after a crash. Ids never count,
 * nor do times of today, nor addresses: two things may happen in the same second, or get the same port, by chance.
 */
export function stableTokens(worlds: string[][]): Set<string> {
  const [first, ...others] = worlds.map((lines) => new Set(lines.flatMap((line) => line.match(TOKEN) ?? [])));
  const everywhere = [...(first ?? [])].filter((token) => others.every((tokens) => tokens.has(token)));
  return new Set(everywhere.filter((token) => !isOfChance(token)));
}

function isOfChance(token: string): boolean {
  return ['<id>', '<origin>'].includes(blank(token)) || isToday(token);
}

function isToday(token: string): boolean {
  if (blank(token) !== '<time>') return false;
  const at = token.includes('T')
    ? Date.parse(token.replace('\u200b', ''))
    : Number(token.slice(0, 10)) * 1000;
  return Math.abs(Date.now() - at) < 24 * 3_600_000;
}

/** Signed heads of the audit log, which tags, releases, deployments and comments carry: how long it is tells nothing. */
const ANCHOR = /audit: \d+ sha256:[0-9a-f]{64} \S+ [0-9a-f]{32} [\w-]{86}/g;

export function normalForm(world: string[], stable: ReadonlySet<string>): NormalForm {
  return (
    world
      .map((line) => line.replace(ANCHOR, 'audit: <head>'))
      .map((line) => line.replace(TOKEN, (token) => (stable.has(token) ? token : blank(token))))
      // Evidence lies in folders named by the first two characters of its digest.
      .map((line) => line.replace(/\/[0-9a-f]{2}\/(?=<hash 64>)/g, '/<hash 2>/'))
      .sort()
  );
}

/** Lines of `b` that `a` has not so often, and the other way round. */
export function differences(
  expected: NormalForm,
  actual: NormalForm,
): { missing: string[]; extra: string[] } {
  return { missing: without(expected, actual), extra: without(actual, expected) };
}

/** What to look at: lines that have no partner, and where a line departs from the one that is most like it. */
export function explain({ missing, extra }: { missing: string[]; extra: string[] }): string[] {
  const left = [...extra];
  const told = missing.map((line) => {
    const alike = left.map((other) => sharedPrefix(line, other));
    const best = alike.indexOf(Math.max(...alike));
    const shared = alike[best] ?? 0;
    if (shared < 12) return `missing: ${line.slice(0, 300)}`;
    const [other = ''] = left.splice(best, 1);
    const from = Math.max(0, shared - 80);
    const cut = (text: string) => text.slice(from, shared + 120);
    return `changed: ${line.slice(0, 60)}\n    expected …${cut(line)}\n    found    …${cut(other)}`;
  });
  return [...told, ...left.map((line) => `extra: ${line.slice(0, 300)}`)];
}

function sharedPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}

function without(lines: string[], others: string[]): string[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}

function blank(token: string): string {
  if (token.startsWith('http')) return '<origin>';
  if (token.includes('T') || token.includes(' ')) return '<time>';
  if (token.includes('-')) return '<uuid>';
  return /^1\d{6}$/.test(token) ? '<id>' : `<hash ${token.length}>`;
}

async function readRows(dir: string, tips: ReadonlySet<string>): Promise<string[]> {
  const rows = new Map<string, string>();
  for (const [table, key, value] of await readJournal(join(dir, 'github', 'journal.jsonl'))) {
    if (table in IGNORED_TABLES) continue;
    const name = `${table} ${key}`;
    if (value === null || isLeft(table, value, tips)) rows.delete(name);
    else rows.set(name, `${table} ${JSON.stringify(value, keeperOf(table))}`);
  }
  return [...rows.values()];
}

function keeperOf(table: string) {
  return (key: string, value: unknown) =>
    key in (IGNORED_FIELDS['*'] ?? {}) || key in (IGNORED_FIELDS[table] ?? {}) ? undefined : value;
}

/** See IGNORED_ROWS. */
function isLeft(table: string, row: unknown, tips: ReadonlySet<string>): boolean {
  if (!Object.values(IGNORED_ROWS).some((name) => name === table)) return false;
  return !tips.has((row as { head_sha: string }).head_sha);
}

function branchTips(folder: string): Set<string> {
  const list = (path: string) =>
    execFileSync('git', ['-C', path, 'for-each-ref', '--format=%(objectname)', 'refs/heads', 'refs/pull'], {
      encoding: 'utf8',
    });
  return new Set(repositoriesIn(folder).flatMap((path) => list(path).split('\n').filter(Boolean)));
}

function repositoriesIn(folder: string): string[] {
  const found = execFileSync('find', [folder, '-name', '*.git', '-type', 'd'], { encoding: 'utf8' });
  return found.split('\n').filter(Boolean);
}

function readGit(folder: string): string[] {
  return repositoriesIn(folder).flatMap(readRepository);
}

function readRepository(path: string): string[] {
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', path, ...args], { encoding: 'utf8', maxBuffer: 64 * 1024 ** 2 });
  const refs = git('for-each-ref', '--format=%(refname) %(objectname)').split('\n').filter(Boolean);
  return refs.flatMap((line) => {
    const [ref = '', sha = ''] = line.split(' ');
    if (Object.values(IGNORED_REFS).some((pattern) => pattern.test(ref))) return [];
    if (ref.startsWith('refs/tags/')) return [`tag ${ref} ${JSON.stringify(git('cat-file', '-p', sha))}`];
    const files = readTree(git, path, sha).map(({ name, text }) => ({ name, text }));
    if (ref === 'refs/heads/roundhouse') return files.flatMap(stateLines);
    const commits = git('log', '--format=%an: %s', sha).split('\n').filter(Boolean);
    return [
      ...commits.map((commit) => `commit ${ref} ${commit}`),
      ...files.map(({ name, text }) => `file ${ref} ${name} ${JSON.stringify(text)}`),
    ];
  });
}

type File = { name: string; text: string };

function readTree(git: (...args: string[]) => string, path: string, sha: string): File[] {
  const entries = git('ls-tree', '-r', sha).split('\n').filter(Boolean);
  const named = entries.map((entry) => {
    const [left = '', name = ''] = entry.split('\t');
    return { name, blob: left.split(' ')[2] ?? '' };
  });
  const wanted = named.map(({ blob }) => `${blob}\n`).join('');
  const bytes = execFileSync('git', ['-C', path, 'cat-file', '--batch'], {
    input: wanted,
    maxBuffer: 64 * 1024 ** 2,
  });
  let offset = 0;
  return named.map(({ name }) => {
    const end = bytes.indexOf(0x0a, offset);
    const size = Number(bytes.subarray(offset, end).toString().split(' ')[2]);
    offset = end + 1 + size + 1;
    return { name, text: bytes.subarray(end + 1, end + 1 + size).toString('utf8') };
  });
}

/** A record per line; of the audit log every entry. */
function stateLines({ name, text }: File): string[] {
  if (Object.values(IGNORED_AUDIT_FILES).some((pattern) => pattern.test(name))) return [];
  const isClaim = name.startsWith('claims/');
  const place = name.replace(/^evidence\/[0-9a-f]{2}\//, 'evidence/');
  if (!name.startsWith('audit/')) {
    return [
      `record ${place} ${JSON.stringify(leftOut(JSON.parse(text), isClaim ? IGNORED_CLAIM_FIELDS : {}))}`,
    ];
  }
  const entries = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return entries
    .filter(({ event }) => !(String(event) in IGNORED_AUDIT_EVENTS))
    .map((entry) => `audit ${JSON.stringify(leftOut(entry, IGNORED_AUDIT_FIELDS))}`);
}

function leftOut(value: object, fields: Record<string, string>): object {
  return Object.fromEntries(Object.entries(value).filter(([field]) => !(field in fields)));
}

function readStore(root: string): string[] {
  const objects = join(root, 'sha256');
  if (!existsSync(objects)) return [];
  return readdirSync(objects, { recursive: true, encoding: 'utf8' })
    .filter((name) => /[0-9a-f]{64}$/.test(name))
    .map((name) => `object ${readFileSync(join(objects, name), 'utf8')}`);
}
