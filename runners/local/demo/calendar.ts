import type { Stretch } from './stage.ts';

const DAY_MS = 86_400_000;
/** Time that the demo gives to rows that have none: 120 days train, four windows of 30 days follow. */
const OWN_START = Date.parse('2024-01-01T00:00:00Z');
const OWN_TRAINING_DAYS = 120;
const OWN_WINDOW_DAYS = 30;
const WINDOWS = 4;
/** A shorter history has windows of less than a week: too few days to resample. */
const FEWEST_DAYS = 8 * 7;

/** A year that lacks its last days, or whose first rows have no label, is a year. */
const SLACK_DAYS = 15;

/** When what is played happens. All instants are milliseconds since the epoch. */
export type Calendar = {
  /** Length of what trains and of a window, in days. */
  days: { training: number; window: number };
  /** Data time at which the story starts: what lies before it trains. */
  opening: number;
  stretches: Stretch[];
  /** Where the demo gives rows a time: of the first row, and microseconds from row to row. */
  own: { from: number; step: number } | null;
  /** For people: how the rows were put in order and divided. */
  said: string;
};

/**
 * `times`: ascending times of the rows, null where there are none. Two or more years: the first year trains and
 * up to four years follow, a window each (the one that follows two years: in four quarters). Else the first half
 * of the rows trains and the rest comes in four windows.
 */
export function calendarOf(times: Float64Array | null, rows: number): Calendar {
  if (times === null) return own(rows, 'the file has no time');
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  if (last - first < FEWEST_DAYS * DAY_MS) return own(rows, `the rows span less than ${FEWEST_DAYS} days`);
  const from = Math.floor(first / DAY_MS) * DAY_MS;
  const years = wholeYears(from, last + SLACK_DAYS * DAY_MS);
  if (years > 2) return yearly(from, Math.min(WINDOWS, years - 1));
  const opening =
    years === 2
      ? afterYears(from, 1)
      : Math.floor((times[Math.floor(times.length / 2)] ?? first) / DAY_MS) * DAY_MS;
  const days = Math.ceil((last + 1 - opening) / WINDOWS / DAY_MS);
  return {
    days: { training: Math.round((opening - from) / DAY_MS), window: days },
    opening,
    stretches: windows(opening, days, (index) => `window ${index + 1}`),
    own: null,
    said: `${years === 2 ? 'the first year' : 'the first half of the rows'} trains, the rest comes in ${WINDOWS} windows of ${days} days`,
  };
}

function own(rows: number, why: string): Calendar {
  const opening = OWN_START + OWN_TRAINING_DAYS * DAY_MS;
  const days = OWN_TRAINING_DAYS + WINDOWS * OWN_WINDOW_DAYS;
  return {
    days: { training: OWN_TRAINING_DAYS, window: OWN_WINDOW_DAYS },
    opening,
    stretches: windows(opening, OWN_WINDOW_DAYS, (index) => `window ${index + 1}`),
    own: { from: OWN_START, step: Math.floor((days * DAY_MS * 1000) / Math.max(1, rows)) },
    said: `${why}, so the demo gives them one, in their order: the first half trains, the rest comes in ${WINDOWS} windows of ${OWN_WINDOW_DAYS} days`,
  };
}

function yearly(from: number, count: number): Calendar {
  const stretches = Array.from({ length: count }, (_, index) => ({
    name: new Date(afterYears(from, index + 1)).toISOString().slice(0, 4),
    from: afterYears(from, index + 1),
    until: afterYears(from, index + 2),
    last: index === count - 1,
  }));
  return {
    days: { training: 365, window: 365 },
    opening: afterYears(from, 1),
    stretches,
    own: null,
    said: `the first year trains, ${count} years follow, one window each`,
  };
}

function windows(opening: number, days: number, name: (index: number) => string): Stretch[] {
  return Array.from({ length: WINDOWS }, (_, index) => ({
    name: name(index),
    from: opening + index * days * DAY_MS,
    until: opening + (index + 1) * days * DAY_MS,
    last: index === WINDOWS - 1,
  }));
}

function afterYears(from: number, years: number): number {
  const at = new Date(from);
  return at.setUTCFullYear(at.getUTCFullYear() + years);
}

function wholeYears(from: number, until: number): number {
  let years = 0;
  while (afterYears(from, years + 1) <= until) years += 1;
  return years;
}

/** Fewest rows that a part can be judged on, with room for chance. */
const FEWEST_ROWS = 24;

/** Newest days of the training time that judge, and before them those that choose: whole days, four weeks at most. */
export function splitOf(times: Float64Array, { opening }: Pick<Calendar, 'opening'>) {
  const training = times.filter((time) => time < opening);
  const share = (wanted: number) =>
    Math.min(0.3, Math.max(wanted, FEWEST_ROWS / Math.max(1, training.length)));
  const dayOf = (left: number) => {
    const at = training[Math.max(0, Math.floor(training.length * (1 - left)))] ?? opening;
    return Math.ceil((opening - at) / DAY_MS);
  };
  const recent = Math.min(28, Math.max(1, dayOf(share(0.2))));
  const both = dayOf(share(0.2) + share(0.15));
  return { recent, validation: Math.min(28, Math.max(1, both - recent)) };
}
