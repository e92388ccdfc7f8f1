import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../templates/load.ts';

const root = packageRoot();

/** Every file and package that a file reaches by imports that are more than types. */
function reach(entry: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const open = [join(root, entry)];
  for (let file = open.pop(); file; file = open.pop()) {
    if (files.has(relative(root, file))) continue;
    files.add(relative(root, file));
    const text = readFileSync(file, 'utf8');
    for (const [, typeOnly, from = ''] of text.matchAll(/(?:import|export)( type)?[^'";]*from '([^']+)'/g)) {
      if (typeOnly) continue;
      const path = from.startsWith('#lib/') ? join(root, from.slice(1)) : resolve(dirname(file), from);
      if (/^[.#]/.test(from)) open.push(path);
      else packages.add(from.replace(/^((?:@[^/]+\/)?[^/]+).*/, '$1'));
    }
    expect(text, `${file} imports at run time`).not.toMatch(/\bimport\(/);
  }
  return { files, packages };
}

describe('the control plane', () => {
  const { files, packages } = reach('app/process.ts');

  it('reaches what it is made of', () => {
    expect(existsSync(join(root, 'app/process.ts'))).toBe(true);
    expect([...files]).toContain('app/features/pull-request.ts');
    expect(packages).toContain('probot');
  });

  it('needs no package of the data plane', () => {
    const heavy = [...packages].filter((name) => /tensorflow|onnx|duckdb|@actions\//.test(name));
    expect(heavy).toEqual([]);
  });

  it('reaches no folder of the data plane', () => {
    expect([...files].filter((file) => /^(lib\/(data|ml)|actions|runners|test)\//.test(file))).toEqual([]);
  });
});
