import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMMAND_NAMES, COMMANDS } from '#lib/lifecycle/command.ts';
import { whoText } from '#lib/lifecycle/command-permission.ts';

const PAGE = readFileSync(new URL('../../docs/commands.md', import.meta.url), 'utf8');

/** A row of the page for each command: the test prints them when it fails, to be pasted. */
function rows(): string[] {
  return COMMAND_NAMES.map((name) => {
    const { args, on, help, who, example } = COMMANDS[name];
    const line = `/${name} ${args}`.trim();
    return `| \`${line}\` | ${help} | ${on === 'both' ? 'issue or pull request' : on} | ${whoText(who)} | \`${example}\` |`;
  });
}

test('docs/commands.md says what the table of commands says', () => {
  const found = PAGE.split('\n').filter((line) => line.startsWith('| `/'));
  expect(found, `the rows are:\n${rows().join('\n')}\n`).toEqual(rows());
});
