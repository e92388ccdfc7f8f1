import { expect, test } from 'vitest';
import { barChart } from '#lib/formats/mermaid.ts';
import {
  formatDuration,
  formatInterval,
  formatNumber,
  formatPercent,
  formatSigned,
} from '#lib/formats/numbers.ts';

test.each([
  [0, '0'],
  [7, '7'],
  [42.123, '42.1'],
  [0.012345, '0.0123'],
  [999.96, '1,000'],
  [1234.56, '1,235'],
  [17379, '17,379'],
  [1234567, '1,234,567'],
  [-38.44, '-38.4'],
  [-0.5, '-0.500'],
  [0.0000001, '1.00e-7'],
  [Number.NaN, '–'],
  [Number.POSITIVE_INFINITY, '–'],
  [null, '–'],
  ['12', '–'],
])('number %s', (value, expected) => {
  expect(formatNumber(value)).toBe(expected);
});

test('signed, percent and interval', () => {
  expect([formatSigned(3), formatSigned(-3), formatSigned(0)]).toEqual(['+3', '-3', '0']);
  expect([formatPercent(0.8), formatPercent(0.0123), formatPercent(null)]).toEqual(['80 %', '1.23 %', '–']);
  expect(formatInterval({ estimate: 48.2, lower: 45.1, upper: 51.3 })).toBe('48.2 [45.1, 51.3]');
  expect(formatInterval({ estimate: 48.2, lower: null, upper: null })).toBe(
    '48.2 (too few units for an interval)',
  );
  expect(formatInterval(null)).toBe('–');
});

test('a chart has plain decimals, safe labels and an axis that holds every bar', () => {
  const chart = barChart({
    title: 'a "title" `x`',
    axis: 'loss',
    bars: [
      { label: 'hr"]\nclick', value: 1e-9 },
      { label: 'temp', value: -3.14567 },
      { label: 'gone', value: Number.NaN },
    ],
  });
  expect(chart.split('\n')).toEqual([
    '```mermaid',
    'xychart-beta',
    '  title "a _title_ _x_"',
    '  x-axis ["hr___click", "temp"]',
    '  y-axis "loss" -3.15 --> 0',
    '  bar [0, -3.15]',
    '```',
  ]);
  expect(barChart({ title: 't', axis: 'a', bars: [{ label: 'x', value: Number.NaN }] })).toBe('');
});

test('a duration in words', () => {
  expect(formatDuration('P1D')).toBe('1 day');
  expect(formatDuration('P2W')).toBe('2 weeks');
  expect(formatDuration('PT1H30M')).toBe('1 hour 30 minutes');
  expect(formatDuration('no duration')).toBe('no duration');
});
