import { expect, test } from 'vitest';
import { hasMarker, readMarker, renderMarker, replaceSection, withMarker } from '#lib/formats/sticky.ts';

const marker = { kind: 'plan', key: 'bikes/12' };

test('a marker is found on the first line only', () => {
  const body = withMarker(marker, 'text');
  expect(readMarker(body)).toEqual(marker);
  expect(readMarker(body.replace('\n', '\r\n'))).toEqual(marker);
  expect(hasMarker(body, { ...marker, key: 'bikes/13' })).toBe(false);
  for (const other of [null, '', 'text', `> ${body}`, `text\n${body}`, '<!-- roundhouse:plan -->']) {
    expect(readMarker(other)).toBeNull();
  }
});

test('a marker that could not be found again is never written', () => {
  expect(() => renderMarker({ kind: 'plan', key: 'a -->' })).toThrow(TypeError);
});

test('a section replaces the one of its name and leaves the others', () => {
  const first = replaceSection('intro', 'data', 'rows: 1');
  const both = replaceSection(first, 'model', 'mae 40');
  const again = replaceSection(both, 'data', 'rows: 2 $& $1');
  expect(again).toContain('rows: 2 $& $1');
  expect(again).not.toContain('rows: 1');
  expect(again).toContain('mae 40');
  expect(replaceSection(again, 'data', 'rows: 2 $& $1')).toBe(again);
});
