import { describe, expect, test } from 'vitest';
import { COMMAND_NAMES, COMMANDS, parseCommands } from '#lib/lifecycle/command.ts';
import {
  assignments,
  commit,
  digestAndReason,
  environment,
  gateDigestAndReason,
  modelAndEnvironment,
  versionAndEnvironment,
} from '#lib/lifecycle/command-arguments.ts';
import { nearestOf } from '#lib/lifecycle/nearest.ts';

const hex = '0123456789abcdef';

describe('what a line asks for', () => {
  test.each([
    ['/help', { name: 'help', args: {} }],
    ['/HELP  ', { name: 'help', args: {} }],
    [`/approve ${hex}`, { name: 'approve', args: { digest: hex } }],
    [`/approve sha256:${hex.toUpperCase()}`, { name: 'approve', args: { digest: hex } }],
    ['/object the window is too short', { name: 'object', args: { reason: 'the window is too short' } }],
    ['/why', { name: 'why', args: { model: null, version: null, digest: null } }],
    ['/why v1.2.0', { name: 'why', args: { model: null, version: '1.2.0', digest: null } }],
    ['/why bikes@v1.2.0', { name: 'why', args: { model: 'bikes', version: '1.2.0', digest: null } }],
    ['/history production', { name: 'history', args: { environment: 'production', model: null, at: null } }],
    ['/deploy', { name: 'deploy', args: { environment: null } }],
  ])('%s', (body, command) => {
    expect(parseCommands(body)).toEqual([{ kind: 'command', command, line: 1 }]);
  });

  test.each([
    ['/approve', 'approve', /16 or more hex/],
    ['/approve 0123456789abcde', 'approve', /16 or more hex/],
    ['/approve everything please', 'approve', /16 or more hex/],
    ['/object', 'object', /reason/],
    ['/hold it', 'hold', /no arguments/],
    ['/why 1.2', 'why', /1\.2\.0/],
    ['/deploy @acme', 'deploy', /environment/],
    ['/override gate digest because', 'override', /16 or more hex/],
    ['/rollback 1.0.0 staging now', 'rollback', /a version and an environment/],
    ['/ok-to-train abc', 'ok-to-train', /all 40 hex/],
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
    { kind: 'command', command: { name: 'hold', args: {} }, line: 3 },
    { kind: 'command', command: { name: 'plan', args: {} }, line: 7 },
    { kind: 'command', command: { name: 'help', args: {} }, line: 9 },
  ]);
});

test('a comment of thousands of lines yields a bounded answer', () => {
  expect(parseCommands('/help\n'.repeat(5000))).toHaveLength(20);
});

test.each(COMMAND_NAMES)('the example of /%s parses', (name) => {
  const [parsed] = parseCommands(COMMANDS[name].example);
  expect(parsed).toMatchObject({ kind: 'command', command: { name } });
  expect(COMMANDS[name].parse(COMMANDS[name].example.split(' ').slice(1).join(' '))).toBeTypeOf('object');
});

describe('arguments', () => {
  test.each([
    [digestAndReason, `${hex} the sensor is mended`, { digest: hex, reason: 'the sensor is mended' }],
    [digestAndReason, hex, /needs a reason/],
    [digestAndReason, 'abc why', /16 or more hex/],
    [gateDigestAndReason, `skew ${hex} because`, { gate: 'skew', digest: hex, reason: 'because' }],
    [
      gateDigestAndReason,
      `"mae at most 60" sha256:${hex} a strike, see deadbeefdeadbeef`,
      { gate: 'mae at most 60', digest: hex, reason: 'a strike, see deadbeefdeadbeef' },
    ],
    [gateDigestAndReason, `skew ${hex}`, /needs a reason/],
    [gateDigestAndReason, '', /a gate, 16 or more hex characters/],
    [gateDigestAndReason, 'skew because', /16 or more hex/],
    [assignments, '', { parameters: [] }],
    [
      assignments,
      'l2=0.01  units=[8,8]',
      {
        parameters: [
          { name: 'l2', value: '0.01' },
          { name: 'units', value: '[8,8]' },
        ],
      },
    ],
    [assignments, 'l2', /name=value/],
    [assignments, 'l2=1 l2=2', /given twice/],
    [commit, hex, /all 40 hex/],
    [environment, '', /such as production/],
    [modelAndEnvironment, 'production', { model: null, environment: 'production' }],
    [modelAndEnvironment, 'bikes production', { model: 'bikes', environment: 'production' }],
    [modelAndEnvironment, 'bikes to production', /such as production/],
    [modelAndEnvironment, '', /such as production/],
    [versionAndEnvironment, '', { model: null, version: null, environment: null }],
    [versionAndEnvironment, 'v1.0.0', { model: null, version: '1.0.0', environment: null }],
    [
      versionAndEnvironment,
      'bikes@v1.0.0 staging',
      { model: 'bikes', version: '1.0.0', environment: 'staging' },
    ],
    [versionAndEnvironment, 'staging', { model: null, version: null, environment: 'staging' }],
    [versionAndEnvironment, 'v1 staging', /must look like/],
  ] as const)('%o of "%s"', (parse, rest, expected) => {
    const found = parse(rest);
    if (expected instanceof RegExp) expect(found).toMatch(expected);
    else expect(found).toEqual(expected);
  });
});

test('a swap of neighbours is one edit, short words allow one', () => {
  expect(nearestOf('hlod', ['hold', 'help'])).toBe('hold');
  expect(nearestOf('hxxd', ['hold', 'help'])).toBeNull();
  expect(nearestOf('aprovve', ['approve'])).toBe('approve');
});
