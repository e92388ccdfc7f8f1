import type { Session } from '../session.ts';

/** A stand-in plays a well-known action that cannot be fetched on a machine without github.com. */
export type StandInCall = {
  session: Session;
  /** The input's text, empty when not given. */
  input: (name: string) => string;
  output: (name: string, value: string) => void;
  signal: AbortSignal;
  /** Does something at the end of the job. */
  afterwards: (perform: () => Promise<void>) => void;
};

export type StandIn = (call: StandInCall) => Promise<void>;

export function isTrue(text: string, fallback: boolean): boolean {
  return text === '' ? fallback : text.toLowerCase() === 'true';
}

/** Refuses inputs that would silently do nothing. */
export function refuseInputs(call: StandInCall, names: string[]): void {
  const given = names.filter((name) => call.input(name) !== '');
  if (given.length > 0)
    throw new Error(
      `The local stand-in does not have the input${given.length > 1 ? 's' : ''} ${given.join(', ')}.`,
    );
}
