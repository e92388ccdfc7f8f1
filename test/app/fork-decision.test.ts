import { expect, it } from 'vitest';
import { type ForkFacts, refusalOfFork } from '../../app/fork-decision.ts';

const sha = 'a'.repeat(40);
const head = { ref: 'topic', sha, same_repository: false };
const author = { login: 'Outsider', type: 'User' };
const facts: ForkFacts = { pull: { state: 'open', author, head }, sha, login: 'ml-lead', ruled: [] };

it.each<[string, Partial<ForkFacts>, RegExp | null]>([
  ['the head, read by somebody else', {}, null],
  ['a closed one', { pull: { ...facts.pull, state: 'closed' } }, /open pull request/],
  [
    'a branch of this repository',
    { pull: { ...facts.pull, head: { ...head, same_repository: true } } },
    /in this repository/,
  ],
  ['a commit that was the head', { sha: 'b'.repeat(40) }, /the head is a{40} now/],
  ['the author’s own', { login: 'outsider' }, /author does not let in/],
  ['other workflows', { ruled: ['.github/workflows/roundhouse.yml'] }, /it changes \.github\/workflows/],
  ['another policy', { ruled: ['.github/roundhouse.yml'] }, /policy are changed from this repository only/],
])('%s', (_, change, reason) => {
  const found = refusalOfFork({ ...facts, ...change });
  if (reason === null) expect(found).toBeNull();
  else expect(found).toMatch(reason);
});
