import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { unzipStatement } from '#lib/github/statement-archive.ts';
import { EVIDENCE_MAX_BYTES } from '#lib/lifecycle/evidence.ts';

const text = (value: string) => new TextEncoder().encode(value);

describe('unzipStatement', () => {
  it('gives the text of the only entry', () => {
    expect(unzipStatement(zipSync({ 'statement.json': text('{"a":1}') }))).toBe('{"a":1}');
  });

  it.each([
    ['nothing', {}],
    ['another name', { 'evidence.json': text('{}') }],
    ['a second entry', { 'statement.json': text('{}'), 'more.txt': text('x') }],
    ['a path', { '../statement.json': text('{}') }],
    ['a folder', { 'a/statement.json': text('{}') }],
    ['too many bytes', { 'statement.json': new Uint8Array(EVIDENCE_MAX_BYTES + 1) }],
    ['bytes that are no text', { 'statement.json': new Uint8Array([0xff, 0xfe, 0xfd]) }],
  ])('refuses %s', (_what, entries) => {
    expect(() => unzipStatement(zipSync(entries as Record<string, Uint8Array>))).toThrow();
  });

  it('does not unpack a bomb to find that out', () => {
    const bomb = zipSync({ 'statement.json': new Uint8Array(50 * 1024 * 1024) }, { level: 9 });
    expect(bomb.byteLength).toBeLessThan(EVIDENCE_MAX_BYTES);
    const before = process.memoryUsage().arrayBuffers;
    expect(() => unzipStatement(bomb)).toThrow();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10 * 1024 * 1024);
  });

  it.each(['', 'not a zip', 'PK\u0003\u0004'])('refuses %j', (bytes) => {
    expect(() => unzipStatement(text(bytes))).toThrow();
  });
});
