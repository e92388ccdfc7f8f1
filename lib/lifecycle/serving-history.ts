import type { DeploymentRecord, Release } from './rollout.ts';
import { compareVersions } from './version-order.ts';

/** Why a version stopped serving, or began to serve nothing. `by` is the version that took its place. */
export type Ended = { kind: 'replaced' | 'rolled back' | 'aborted'; by: string | null; note: string };

/** One version in one environment, from one rollout. */
export type Served = {
  model: string;
  environment: string;
  /** Number of the rollout that brought it. */
  n: number;
  version: string;
  candidate: Release['candidate'];
  /** `part` of the traffic during a rollout that did not end well; `none`: it was given up before it got any. */
  share: 'all' | 'part' | 'none';
  /** When it got its first share of the traffic. */
  part_from: string | null;
  /** When it got all of it; of `part` and `none`, when it began or was given up. */
  from: string;
  /** Null = it serves still. */
  until: string | null;
  ended: Ended | null;
};

type Event = { record: DeploymentRecord; entry: DeploymentRecord['history'][number] };

/**
 * Folds the rollouts of one model in one environment into what served when, oldest first. The clock is that of the app that took the
 * evidence: GitHub's time, not that of the data.
 */
export function foldServing(records: readonly DeploymentRecord[]): Served[] {
  const rows: Served[] = [];
  for (const record of records.toSorted((a, b) => a.n - b.n)) {
    for (const entry of record.history) follow(rows, { record, entry });
  }
  return rows;
}

function follow(rows: Served[], event: Event): void {
  const { record, entry } = event;
  const full = rows.findLast(({ share, until }) => share === 'all' && until === null);
  const part = rows.findLast(({ n, share, until }) => n === record.n && share === 'part' && until === null);
  if (entry.phase === 'progressing' || entry.phase === 'promoting') {
    if (!part && full?.n !== record.n) rows.push({ ...rowOf(event), share: 'part', part_from: entry.at });
    return;
  }
  if (entry.phase === 'succeeded') {
    if (full?.n === record.n) return;
    if (part) rows.splice(rows.indexOf(part), 1);
    if (full) end(full, entry.at, endedBy(full, record));
    rows.push({ ...rowOf(event), part_from: part?.part_from ?? null });
    return;
  }
  if (entry.phase === 'aborted' || entry.phase === 'rolled-back') giveUp({ rows, full, part }, event);
}

/** An older version in its place is a rollback, however it came about. */
function endedBy({ version }: Served, { release, rollback }: DeploymentRecord): Ended {
  const isBack = rollback !== null || compareVersions(release.version, version) < 0;
  const note = rollback === null ? '' : `asked for by ${rollback.login}`;
  return { kind: isBack ? 'rolled back' : 'replaced', by: release.version, note };
}

function giveUp(
  { rows, full, part }: { rows: Served[]; full: Served | undefined; part: Served | undefined },
  event: Event,
): void {
  const { record, entry } = event;
  const kind = entry.phase === 'aborted' ? 'aborted' : 'rolled back';
  const ended: Ended = { kind, by: record.previous?.version ?? null, note: entry.note };
  if (part) {
    end(part, entry.at, ended);
    return;
  }
  if (full?.n !== record.n) {
    rows.push({ ...rowOf(event), share: 'none', until: entry.at, ended });
    return;
  }
  end(full, entry.at, ended);
  const { previous } = record;
  if (previous) rows.push({ ...rowOf(event), version: previous.version, candidate: previous.candidate });
}

function end(row: Served, at: string, ended: Ended): void {
  row.until = at;
  row.ended = ended;
}

function rowOf({ record: { model, environment, n, release }, entry }: Event): Served {
  const { version, candidate } = release;
  const row = { model, environment, n, version, candidate, from: entry.at, until: null, ended: null };
  return { ...row, share: 'all', part_from: null };
}

/** What served at an instant (milliseconds since 1970): during a rollout two versions, each with its share. */
export function servedAt(rows: readonly Served[], instant: number): { row: Served; share: 'all' | 'part' }[] {
  const of = (at: string | null) => (at === null ? null : Date.parse(at));
  const now = rows.flatMap((row): { row: Served; share: 'all' | 'part' }[] => {
    const until = of(row.until) ?? Number.POSITIVE_INFINITY;
    if (row.share === 'none' || instant >= until) return [];
    if (instant >= Date.parse(row.from)) return [{ row, share: row.share }];
    const began = of(row.part_from);
    return began !== null && instant >= began ? [{ row, share: 'part' }] : [];
  });
  const isShared = (row: Served) =>
    now.some(
      ({ row: other, share }) =>
        share === 'part' && other.model === row.model && other.environment === row.environment,
    );
  return now.map(({ row, share }) => ({ row, share: isShared(row) ? 'part' : share }));
}
