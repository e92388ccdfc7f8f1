import { expect, it } from 'vitest';
import { parseVersionAsk } from '#lib/lifecycle/version-ask.ts';
import { compareVersions, nearestVersions } from '#lib/lifecycle/version-order.ts';

const nothing = { model: null, version: null, digest: null };
const hex = 'ab12cd34';

it.each([
  ['', nothing],
  ['1.2.0', { ...nothing, version: '1.2.0' }],
  ['v1.2.0', { ...nothing, version: '1.2.0' }],
  ['bikes', { ...nothing, model: 'bikes' }],
  ['bikes@v1.2.0', { ...nothing, model: 'bikes', version: '1.2.0' }],
  ['bikes@1.2.0', { ...nothing, model: 'bikes', version: '1.2.0' }],
  ['bikes v1.2.0', { ...nothing, model: 'bikes', version: '1.2.0' }],
  ['bike-share-2 10.20.30', { ...nothing, model: 'bike-share-2', version: '10.20.30' }],
  [hex, { ...nothing, digest: hex }],
  [`sha256:${hex.toUpperCase()}`, { ...nothing, digest: hex }],
  [hex.repeat(8), { ...nothing, digest: hex.repeat(8) }],
])('%j is asked for', (text, asked) => expect(parseVersionAsk(text)).toEqual(asked));

it.each([
  '1.2',
  'bikes@',
  'bikes@v1',
  '@v1.0.0',
  'Bikes',
  'bikes v1.2.0 now',
  hex.repeat(9),
  '<img>',
  '1.2.0-rc1',
])('%j is not understood', (text) => expect(parseVersionAsk(text)).toBeNull());

it.each([
  ['2.0.0', ['1.10.0', '1.9.0', '1.2.0']],
  ['1.9.1', ['1.9.0', '1.10.0', '1.2.0']],
  ['0.1.0', ['1.0.0', '1.2.0', '1.9.0']],
])('nearest to %s', (version, nearest) => {
  expect(nearestVersions(version, ['1.10.0', '1.0.0', '1.9.0', '1.2.0'])).toEqual(nearest);
});

it('compares numbers and not texts', () => expect(compareVersions('1.10.0', '1.9.0')).toBeGreaterThan(0));
