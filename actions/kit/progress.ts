import { styleText } from 'node:util';
import type { Progress } from './stage.ts';

type Sink = { write(text: string): unknown; isTTY?: boolean };

const REDRAW_MS = 200;
const LOG_EVERY_MS = 5_000;

/**
 * Progress for a person: one line redrawn on a terminal, a line every five seconds in a log. Rates and
 * estimates come from the present phase alone.
 */
export function terminalProgress(sink: Sink, quiet = false): Progress {
  const live = sink.isTTY === true;
  let name = '';
  let startedAt = Date.now();
  let drawnAt = 0;
  let open = false;

  function line(text: string): void {
    if (open) sink.write('\n');
    open = false;
    if (!quiet) sink.write(`${text}\n`);
  }

  return {
    phase(next) {
      name = next;
      startedAt = Date.now();
      drawnAt = startedAt;
      line(`${dim('..', live)} ${next}`);
    },
    update(done, total, unit) {
      const now = Date.now();
      if (quiet || now - drawnAt < (live ? REDRAW_MS : LOG_EVERY_MS)) return;
      drawnAt = now;
      const text = describe({ name, done, total, unit, seconds: (now - startedAt) / 1000 });
      if (!live) return line(text);
      sink.write(`\r\u001b[2K${text}`);
      open = true;
    },
    note: (text) => line(`   ${text}`),
    warn: (text) => line(`${live ? styleText('yellow', '!') : '!'}  ${text}`),
  };
}

/** A progress that says nothing: for `--json` and for tests. */
export const silentProgress: Progress = { phase() {}, update() {}, note() {}, warn() {} };

function dim(text: string, live: boolean): string {
  return live ? styleText('dim', text) : text;
}

function describe(at: { name: string; done: number; total: number; unit: string; seconds: number }): string {
  const rate = at.done / Math.max(at.seconds, 0.001);
  const left = at.done > 0 ? Math.ceil((at.total - at.done) / rate) : null;
  const estimate = left === null ? '' : `, about ${left} s left`;
  const share = at.total > 0 ? Math.floor((100 * at.done) / at.total) : 0;
  return `   ${at.name}: ${share} % (${at.done} of ${at.total} ${at.unit}, ${rate.toPrecision(3)} ${at.unit}/s${estimate})`;
}
