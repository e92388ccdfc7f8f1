import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOf } from '#lib/formats/digest.ts';
import { graphOf, modelOf, node, SIGNATURE, value } from '../ml/models.ts';
import { type InstalledPackage, installedPackage } from './installed-package.ts';

let installed: InstalledPackage;
let folder: string;
beforeAll(() => {
  installed = installedPackage();
  folder = mkdtempSync(join(tmpdir(), 'roundhouse-bad-models-'));
});
afterAll(() => {
  installed.remove();
  rmSync(folder, { recursive: true, force: true });
});

const GOLDEN = { rows: [{ x: 1 }], predictions: [[1]], rtol: 1e-5, atol: 1e-6 };
const IDENTITY = node('Identity', ['x'], 'prediction');
const FLOAT64 = 11;

/** A bundle in a folder whose manifest names what lies there. */
function bundle(name: string, model: Uint8Array): string {
  const at = join(folder, name.replaceAll(/\W/g, '-'));
  mkdirSync(at);
  const files = {
    'model.onnx': Buffer.from(model),
    'signature.json': Buffer.from(JSON.stringify(SIGNATURE)),
    'golden.json': Buffer.from(JSON.stringify(GOLDEN)),
  };
  const entries = Object.entries(files).map(([file, bytes]) => {
    writeFileSync(join(at, file), bytes);
    return { name: file, digest: digestOf(bytes), size: bytes.length };
  });
  const manifest = { kind: 'roundhouse-bundle', version: 1, model: 'm', files: entries };
  writeFileSync(join(at, 'manifest.json'), JSON.stringify(manifest));
  return at;
}

const MODELS: [what: string, bytes: () => Uint8Array, message: RegExp][] = [
  ['an empty file', () => Buffer.alloc(0), /it is empty/],
  ['a pickle', () => Buffer.from([0x80, 4, 0x95, 0]), /a Python pickle, which runs code when it is loaded/],
  ['a text', () => Buffer.from('hello, model'), /it is not ONNX/],
  ['a gzip', () => gzipSync(modelOf([IDENTITY])), /gzip/],
  ['half a file', () => modelOf([IDENTITY]).subarray(0, 40), /refused|can't be loaded/],
  [
    'another input',
    () => modelOf([], { graph: graphOf([node('Identity', ['z'], 'prediction')], { input: [value('z')] }) }),
    /it has no input "x"; it asks for the further input "z"/,
  ],
  [
    'an input of another type',
    () =>
      modelOf([], {
        graph: graphOf([node('Identity', ['x'], 'prediction')], {
          input: [value('x', FLOAT64)],
          output: [value('prediction', FLOAT64)],
        }),
      }),
    /input "x" is float64 and not float32/,
  ],
  [
    'another output',
    () => modelOf([], { graph: graphOf([node('Identity', ['x'], 'score')], { output: [value('score')] }) }),
    /it has no output "prediction"/,
  ],
  ['an operator that is none', () => modelOf([node('Frobnicate', ['x'], 'prediction')]), /Frobnicate/],
];

test.each(MODELS)('%s as a model: told once, exit 2, nothing served', (what, bytes, message) => {
  const at = bundle(what, bytes());
  const before = readdirSync(folder, { recursive: true }).toSorted();
  const { code, stderr, stdout } = installed.cli(['serve', '--bundle', at, '--port', '0'], { cwd: folder });
  expect(stderr).toMatch(message);
  expect(stderr).toContain('To mend it: ');
  expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+/m);
  expect(`${code} ${stdout}`).toBe('2 ');
  expect(readdirSync(folder, { recursive: true }).toSorted()).toEqual(before);
});
