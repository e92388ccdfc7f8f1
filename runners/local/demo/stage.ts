import type { Local } from '../local.ts';
import type { Expectations } from './expect.ts';
import type { Person } from './people.ts';
import type { Timeline } from './timeline.ts';

/** What every scene of the demo works with. */
export type Stage = {
  local: Local;
  model: string;
  people: { productOwner: Person; dataScientist: Person; mlLead: Person };
  timeline: Timeline;
  expectations: Expectations;
};

export const OWNER = 'acme';
export const PRODUCTION = 'production';
