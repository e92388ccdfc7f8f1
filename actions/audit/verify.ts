import { styleText } from 'node:util';
import { type AuditReport, checkLog } from '#lib/lifecycle/audit-check.ts';
import { type Anchor, checkedAnchors, readAuditLog, tagAnchors } from '#lib/records/audit-log.ts';
import { type CheckoutRecords, withCheckoutRecords } from '../kit/checkout-records.ts';

/** What was held against what: the branch as it was fetched, and anchors by where they came from. */
export type Verified = AuditReport & { ref: string; commit: string; tags: number; elsewhere: number };

/** Holds the log of a clone against itself, the anchors in its tags, and those that were gathered elsewhere. */
export function verifyAudit(workspace: string, elsewhere: readonly Anchor[]): Promise<Verified> {
  return withCheckoutRecords(workspace, async (records: CheckoutRecords) => {
    const { lines, head } = await readAuditLog(records);
    const tags = await tagAnchors(records.tags);
    const anchors = await checkedAnchors(records, [...tags, ...elsewhere]);
    const { ref, commit } = records;
    return {
      ...checkLog({ lines, head, anchors }),
      ...{ ref, commit, tags: tags.length, elsewhere: elsewhere.length },
    };
  });
}

type Colour = Parameters<typeof styleText>[0];

export function toldReport(report: Verified, { live }: { live: boolean }): string {
  const paint = (colour: Colour, text: string) => (live ? styleText(colour, text) : text);
  const { ref, commit, entries, tags, elsewhere, anchors, anchored, faults, notes, standing } = report;
  const found = `${tags + elsewhere} (${tags} in tags, ${elsewhere} elsewhere), ${anchors} of them agree`;
  const rest = entries - anchored;
  const verdicts = {
    anchored: paint(
      'green',
      `anchored up to entry ${anchored}${rest > 0 ? `; the ${rest} after it are self-consistent only` : ''}`,
    ),
    'self-consistent only': paint(
      'yellow',
      'self-consistent only: no anchor vouches for it, so that all of it could have been written anew',
    ),
    broken: paint('red', `broken: ${faults.length === 1 ? 'one fault' : `${faults.length} faults`}`),
  };
  return [
    `audit log  ${entries} entries, ${ref} at ${commit.slice(0, 12)}`,
    `anchors    ${found}`,
    ...faults.flatMap(({ file, line, kind, seq, expected, found: actual }) => [
      '',
      `${file}${line === null ? '' : `:${line}`}  ${paint('red', kind)}${seq === null ? '' : `  entry ${seq}`}`,
      `  expected  ${expected}`,
      `  found     ${actual}`,
    ]),
    ...(notes.length > 0 ? ['', ...notes.map((note) => paint('yellow', `note: ${note}`))] : []),
    '',
    verdicts[standing],
    '',
  ].join('\n');
}
