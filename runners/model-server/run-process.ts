import { UserError } from '#lib/lifecycle/user-error.ts';

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/**
 * Runs a server as a process: SIGTERM and SIGINT answer what was accepted, write the log, and end. A
 * mistake of the user's ends it with 2.
 */
export async function runAsProcess(
  name: string,
  start: () => Promise<{ url: string; close(): Promise<void> }>,
): Promise<void> {
  try {
    const server = await start();
    let isClosing = false;
    const close = () => {
      // A terminal signals the whole group and a parent passes the signal on: the second must not cut the first short.
      if (isClosing) return;
      isClosing = true;
      void server.close().then(() => process.exit(0), fail);
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, close);
    say(`${name} listens on ${server.url}`);
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  const isOurs = !(error instanceof UserError);
  const text = isOurs && error instanceof Error ? error.stack : isOurs ? String(error) : error.told;
  process.stderr.write(`${text}\n`);
  process.exit(isOurs ? 3 : 2);
}
