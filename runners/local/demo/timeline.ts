import { styleText } from 'node:util';

/** One line of the story: when (data time), who, what, where to look. */
export type TimelineEvent = { at: string; who: string; what: string; link?: string; figures?: string };

export type Timeline = {
  /** A line for good. */
  event(event: TimelineEvent): void;
  /** A heading between chapters. */
  chapter(title: string): void;
  /** What is being waited for: one line, redrawn on a terminal. */
  working(text: string): void;
  events(): readonly TimelineEvent[];
};

type Colour = Parameters<typeof styleText>[0];
const COLOUR: Record<string, Colour> = {
  'product-owner': 'magenta',
  'data-scientist': 'cyan',
  'ml-lead': 'yellow',
  roundhouse: 'green',
};
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

export function terminalTimeline(out: NodeJS.WriteStream, quiet = false): Timeline {
  const live = out.isTTY === true;
  const told: TimelineEvent[] = [];
  const startedAt = Date.now();
  let turn = 0;

  const paint = (colour: Colour, text: string) => (live ? styleText(colour, text) : text);
  function line(text: string): void {
    if (!quiet) out.write(`${live ? '\r\u001b[2K' : ''}${text}\n`);
  }

  return {
    event(event) {
      told.push(event);
      const who = paint(COLOUR[event.who] ?? 'white', event.who.padEnd(14));
      const figures = event.figures === undefined ? '' : `  ${paint('bold', event.figures)}`;
      line(
        `${paint('dim', clock(startedAt))} ${paint('dim', event.at.slice(0, 10))} ${who} ${event.what}${figures}`,
      );
      if (event.link !== undefined) line(`${' '.repeat(33)}${paint('dim', event.link)}`);
    },
    chapter: (title) => line(`\n${paint('bold', title)}`),
    working(text) {
      if (!live || quiet) return;
      turn += 1;
      out.write(
        `\r\u001b[2K${paint('dim', `${clock(startedAt)} ${SPINNER[turn % SPINNER.length]} ${text}`)}`,
      );
    },
    events: () => told,
  };
}

/** Wall-clock time since the start, as m:ss. */
function clock(startedAt: number): string {
  const seconds = Math.floor((Date.now() - startedAt) / 1000);
  return `${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')}`;
}
