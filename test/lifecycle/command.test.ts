import { describe, expect, test } from 'vitest';
import { COMMANDS, parseCommands } from '#lib/lifecycle/command.ts';
import { nearestOf } from '#lib/lifecycle/nearest.ts';

const hex = '0123456789abcdef';

describe('what a line asks for', () => {
  test.each([
    ['/help', { name: 'help' }],
    ['/HELP  ', { name: 'help' }],
    [`/approve ${hex}`, { name: 'approve', digest: hex }],
    [`/approve sha256:${hex.toUpperCase()}`, { name: 'approve', digest: hex }],
    ['/object the window is too short', { name: 'object', reason: 'the window is too short' }],
    ['/why', { name: 'why', version: null }],
    ['/why v1.2.0', { name: 'why', version: '1.2.0' }],
    ['/history production', { name: 'history', environment: 'production' }],
    ['/deploy', { name: 'deploy', environment: null }],
  ])('%s', (body, command) => {
    expect(parseCommands(body)).toEqual([{ kind: 'command', command, line: 1 }]);
  });

  test.each([
    ['/approve', 'approve', /16 or more hex/],
    ['/approve 0123456789abcde', 'approve', /16 or more hex/],
    ['/approve everything please', 'approve', /16 or more hex/],
    ['/object', 'object', /reason/],
    ['/hold it', 'hold', /no arguments/],
    ['/why latest', 'why', /1\.2\.0/],
    ['/deploy @acme', 'deploy', /environment/],
    ['/override gate digest because', 'override', /not built yet/],
    ['/rollback 1.0.0', 'rollback', /not built yet/],
    ['/ok-to-train abc', 'ok-to-train', /not built yet/],
  ])('%s is refused with a reason', (body, name, reason) => {
    expect(parseCommands(body)).toEqual([
      { kind: 'refused', name, reason: expect.stringMatching(reason), line: 1 },
    ]);
  });

  test.each([
    ['/aprove 0123456789abcdef', 'approve'],
    ['/plna', 'plan'],
    ['/unhodl', 'unhold'],
  ])('%s is told the nearest', (body, nearest) => {
    expect(parseCommands(body)).toMatchObject([{ kind: 'near-miss', nearest }]);
  });
});

describe('what is no command', () => {
  test.each([
    ['a path', '/etc/passwd is a file'],
    ['another bot’s', '/lgtm'],
    ['not at the start', `please /approve ${hex}`],
    ['indented', `  /approve ${hex}`],
    ['indented code', `    /approve ${hex}`],
    ['a quote', `> /approve ${hex}`],
    ['the lazy continuation of a quote', `> they said\n/approve ${hex}`],
    ['fenced code', `\`\`\`\n/approve ${hex}\n\`\`\``],
    ['code behind a shorter fence', `\`\`\`\`\n\`\`\`\n/approve ${hex}\n\`\`\`\``],
    ['a tilde fence closed by backticks', `~~~\n\`\`\`\n/approve ${hex}\n~~~`],
    ['an unclosed fence', `\`\`\`text\n/approve ${hex}`],
    ['an HTML comment', `<!--\n/approve ${hex}\n-->`],
    ['a table cell', `| /approve ${hex} |`],
  ])('%s', (_, body) => {
    expect(parseCommands(body)).toEqual([]);
  });
});

test('commands after quote, code and comment count again, with their line', () => {
  const body = ['> quoted', '', '/hold', '```', '/unhold', '```', '/plan', '<!-- x --> ', '/help'].join(
    '\r\n',
  );
  expect(parseCommands(body)).toEqual([
    { kind: 'command', command: { name: 'hold' }, line: 3 },
    { kind: 'command', command: { name: 'plan' }, line: 7 },
    { kind: 'command', command: { name: 'help' }, line: 9 },
  ]);
});

test('a comment of thousands of lines yields a bounded answer', () => {
  expect(parseCommands('/help\n'.repeat(5000))).toHaveLength(20);
});

test('every command of the table that is built has a parser, and every other is refused', () => {
  const args: Record<string, string> = { approve: hex, object: 'why' };
  for (const { name, built } of COMMANDS) {
    const [parsed] = parseCommands(`/${name} ${args[name] ?? ''}`);
    expect(parsed?.kind, name).toBe(built ? 'command' : 'refused');
  }
});

test('a swap of neighbours is one edit, short words allow one', () => {
  expect(nearestOf('hlod', ['hold', 'help'])).toBe('hold');
  expect(nearestOf('hxxd', ['hold', 'help'])).toBeNull();
  expect(nearestOf('aprovve', ['approve'])).toBe('approve');
});
