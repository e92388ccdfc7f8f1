import { type Served, servedAt } from '../lifecycle/serving-history.ts';
import { minute } from './lineage-view.ts';

type Row = Served & { approved_by: readonly string[]; promoted_by: readonly string[] };

/** The view of templates/comments/history.hbs: rows newest first, at most `most` of them. */
export function servingView(
  { rows, contradictions }: { rows: readonly Row[]; contradictions: readonly string[] },
  { at, environment, most }: { at: string | null; environment: string | null; most: number },
) {
  return {
    at: at === null ? null : second(at),
    environment,
    rows: rowsAt(rows, at).slice(0, most).map(rowView),
    more: Math.max(0, rowsAt(rows, at).length - most),
    contradictions,
  };
}

/** What is shown: the whole history, or what served at one instant with the share that it had then. */
export function rowsAt(rows: readonly Row[], at: string | null): Row[] {
  if (at === null) return [...rows];
  return servedAt(rows, Date.parse(at)).flatMap(({ row, share }) => {
    const { approved_by = [], promoted_by = [] } = rows.find((one) => one === row) ?? {};
    return [{ ...row, share, approved_by, promoted_by }];
  });
}

function rowView({ model, environment, version, candidate, share, approved_by, promoted_by, ...row }: Row) {
  return {
    ...{ model, environment, version, candidate, share },
    from: minute(row.from),
    part_from: row.part_from === null || row.part_from === row.from ? null : minute(row.part_from),
    until: row.until === null ? null : minute(row.until),
    ended: endedText(row),
    approved_by: approved_by.join(', '),
    promoted_by: promoted_by.join(', '),
  };
}

function endedText({ ended }: Pick<Served, 'ended'>): string {
  if (ended === null) return '';
  const by = ended.by === null ? '' : ` ${ended.kind === 'replaced' ? 'by' : 'to'} v${ended.by}`;
  return `${ended.kind}${by}${ended.note === '' ? '' : `: ${ended.note}`}`;
}

function second(instant: string): string {
  return `${new Date(instant).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
