import { environmentNameSchema, instantSchema, modelNameSchema } from './scalars.ts';

/** Which history somebody asks for; null = all of them. `at` = what served at that instant only. */
export type ServingAsk = { environment: string | null; model: string | null; at: string | null };

const USAGE = 'it reads `/history [environment] [--model <name>] [--at <date>]`';

/** Reads `production --at 2026-03-01`; a string says what is wrong. */
export function parseServingAsk(text: string): ServingAsk | string {
  const ask: ServingAsk = { environment: null, model: null, at: null };
  const words = text.split(/\s+/).filter((word) => word !== '');
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const [, option, attached] = /^--(at|model)(?:=(.*))?$/.exec(word) ?? [];
    if (option === undefined) {
      if (ask.environment !== null) return `one environment at a time: ${USAGE}`;
      if (!environmentNameSchema.safeParse(word).success)
        return `the environment must be a name such as production: ${USAGE}`;
      ask.environment = word;
      continue;
    }
    const value = attached ?? words.shift() ?? '';
    if (option === 'at') {
      const instant = instantOf(value);
      if (instant === null) return NO_INSTANT;
      ask.at = instant;
    } else {
      if (!modelNameSchema.safeParse(value).success) return 'the model must be a name such as bikes';
      ask.model = value;
    }
  }
  return ask;
}

export const NO_INSTANT =
  'the date must look like 2026-03-01 (the end of that day in UTC) or 2026-03-01T10:00:00Z, with its time zone';

/**
 * The instant that a person means, in UTC: `2026-03-01` is the end of that day there, anything else needs a time zone.
 * Null for what is no such text.
 */
export function instantOf(text: string): string | null {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const instant = isDay ? `${text}T23:59:59.999Z` : text;
  if (!instantSchema.safeParse(instant).success) return null;
  return new Date(instant).toISOString();
}
