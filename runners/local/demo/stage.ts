import type { Local } from '../local.ts';
import type { Expectations } from './expect.ts';
import type { Person } from './people.ts';
import type { Timeline } from './timeline.ts';
import type { LiveRow } from './traffic-client.ts';

/** What every scene of the demo works with. */
export type Stage = {
  local: Local;
  case: Case;
  model: string;
  people: { productOwner: Person; dataScientist: Person; mlLead: Person };
  timeline: Timeline;
  expectations: Expectations;
};

/** One stretch of live data; the scheduled check runs a day after its end, when its labels are in. */
export type Stretch = { name: string; from: number; until: number; last: boolean };

/** What the story is played on: the bikes, or any table. The scenes are the same for all. */
export type Case = {
  model: string;
  /** Data time at which the story starts: what lies before it trains, what lies after it is traffic. */
  opening: Date;
  issue: { title: string; body: string };
  /** The first data and model pull request. */
  first: {
    title: string;
    body: string;
    /** What the timeline says that it brings. */
    brings: string;
    push(stage: Stage, branch: string): Promise<void>;
  };
  /** In order of time. */
  rows: LiveRow[];
  stretches: Stretch[];
  /** How long after the request its label is sent. */
  labelLagMs: number;
  /** Requests a second: while people read, and while a canary is judged. */
  pace: { quiet: number; canary: number };
  /** Where nothing is opened by itself, a person asks for a retraining after the last window but one. */
  asks: boolean;
};

export const OWNER = 'acme';
export const PRODUCTION = 'production';
