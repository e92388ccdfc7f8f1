import { basename } from 'node:path';
import { parseDocument } from 'yaml';
import type { SqlColumn } from '#lib/data/table-io.ts';
import { quoteName } from '#lib/data/table-io.ts';
import type { Data } from '#lib/lifecycle/data.ts';
import type { Calendar } from './calendar.ts';

/** A pipeline step that the demo adds to those of `init`: its file's name below the model's folder, and its SELECT. */
export type AddedStep = { name: string; sql: string };

export const EVENT_TIME = 'event_time';
export const ROW_KEY = 'row_id';
const TRAFFIC = 'traffic';
const SAMPLED = 'pipeline/70-sampled.sql';
const TIMED = 'pipeline/80-timed.sql';
const UNTIL_NOW = 'pipeline/90-until-now.sql';

/** The table that a step makes: its file's name without the number in front. */
function tableOf(step: string): string {
  return quoteName(
    basename(step, '.sql')
      .replace(/^\d+[-_]*/, '')
      .replaceAll('-', '_'),
  );
}

/** `rows` of the last table, the same ones each time. */
export function sampledStep(data: Data, rows: number, seed: number): AddedStep {
  const keys = data.key.map((column) => `${quoteName(column)}::varchar`).join(', ');
  return {
    name: SAMPLED,
    sql: `-- ${rows} rows, chosen by a digest of their key: the same ones each time, in the order of the file.
select * from ${tableOf(data.pipeline.at(-1) ?? '')}
qualify row_number() over (order by md5(concat_ws('|', '${seed}', ${keys})), ${orderOf(data)}) <= ${rows}
`,
  };
}

/** A time for rows that have none, evenly spaced in their order. */
export function timedStep(data: Data, own: NonNullable<Calendar['own']>): AddedStep {
  const time = `timestamp '${instant(own.from)}' + to_microseconds((row_number() over (order by ${orderOf(data)}) - 1) * ${own.step})`;
  const select =
    data.time === EVENT_TIME ? `* replace (${time} as ${EVENT_TIME})` : `*, ${time} as ${EVENT_TIME}`;
  return {
    name: TIMED,
    sql: `-- The rows have no time that could be lived through: they get one, in their order.
select ${select}
from ${tableOf(data.pipeline.at(-1) ?? '')}
`,
  };
}

function orderOf(data: Data): string {
  return [...(data.time === null ? [] : [data.time]), ...data.key].map(quoteName).join(', ');
}

/** What is known at the opening, and everything later from live traffic with its labels. */
export function untilNowStep(
  data: Data,
  { columns, opening }: { columns: readonly SqlColumn[]; opening: number },
): AddedStep {
  const typeOf = new Map(columns.map(({ name, type }) => [name, type]));
  const names = [...Object.keys(data.inputs), data.target];
  const keys = data.key.map((column) => `${quoteName(column)}::varchar`).join(', ');
  const logged = Object.keys(data.inputs).map(
    (name) => `try_cast(${quoteName(name)} as ${typeOf.get(name)}) as ${quoteName(name)}`,
  );
  return {
    name: UNTIL_NOW,
    sql: `-- The file holds the future too: rows from ${instant(opening)} on arrive as traffic, and are learned from once
-- their labels are in.
select
  concat_ws('|', 'file', ${keys}) as ${ROW_KEY},
  ${EVENT_TIME}::timestamp as ${EVENT_TIME},
  ${names.map(quoteName).join(',\n  ')}
from ${tableOf(data.pipeline.at(-1) ?? '')}
where ${EVENT_TIME} < timestamp '${instant(opening)}'

union all by name

select
  prediction_id as ${ROW_KEY},
  ${EVENT_TIME},
  ${logged.join(',\n  ')},
  try_cast(label as ${typeOf.get(data.target)}) as ${quoteName(data.target)}
from ${TRAFFIC}
where label is not null
`,
  };
}

function instant(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}

/** data.yml of `init` with steps added to its pipeline, and the traffic as a second source. */
export function withSteps(text: string, steps: readonly AddedStep[]): string {
  const document = parseDocument(text);
  for (const { name } of steps) document.addIn(['pipeline'], name);
  return document.toString({ lineWidth: 0 });
}

export type Sizes = {
  calendar: Calendar;
  split: { recent: number; validation: number };
  /** Rows that train, and rows of a window. */
  rows: { training: number; window: number };
};

export function playedData(text: string, { calendar, split, rows }: Sizes): string {
  const document = parseDocument(text);
  const flow = (value: object) => {
    const node = document.createNode(value);
    if ('flow' in node) node.flow = true;
    return node;
  };
  document.addIn(
    ['sources'],
    document.createNode({ kind: 'predictions', name: TRAFFIC, environment: 'production', snapshot: 'none' }),
  );
  document.set('key', flow([ROW_KEY]));
  document.set('time', EVENT_TIME);
  document.set('unit', flow({ block: 'P1D' }));
  document.set(
    'window',
    flow({ last: `P${calendar.days.training}D`, until: new Date(calendar.opening).toISOString() }),
  );
  document.set(
    'split',
    flow({ by: 'time', recent: `P${split.recent}D`, embargo: 'P1D', validation: `P${split.validation}D` }),
  );
  document.setIn(['labels', 'lag'], 'P1D');
  document.setIn(['contract', 'rows', 'minimum'], Math.floor(rows.training / 4));
  return document.toString({ lineWidth: 0 });
}

/** A canary of as many requests as a small table can give, windows as long as those of the story. */
export function playedOperate(text: string, { calendar, rows }: Sizes): string {
  const document = parseDocument(text);
  // Few rows are shared by halves: a quarter of fifty is ten by luck alone, and the rollout would wait for more.
  const few = rows.window < 200;
  const requests = few
    ? Math.max(4, Math.floor(rows.window / 10))
    : Math.min(40, Math.floor(rows.window / 20));
  document.setIn(
    ['deployment', 'strategy', 'steps'],
    document.createNode([{ weight: few ? 50 : 25, min_requests: requests, max_duration: 'PT5M' }], {
      flow: true,
    }),
  );
  document.setIn(['monitoring', 'window'], `P${calendar.days.window}D`);
  document.setIn(['retraining', 'cooldown'], `P${Math.max(1, Math.floor(calendar.days.window / 2))}D`);
  document.setIn(['retraining', 'window'], `P${calendar.days.training}D`);
  return document.toString({ lineWidth: 0 });
}
