import { dirname } from 'node:path';
import type { StandInCall } from './stand-in.ts';

/** Plays actions/setup-node with the node that runs the runner, whatever version is asked for. */
export async function setupNode(call: StandInCall): Promise<void> {
  const wanted = call.input('node-version');
  call.session.log.line(
    `Using the runner's own node ${process.version}${wanted ? ` (asked for: ${wanted})` : ''}`,
  );
  call.session.path.push(dirname(process.execPath));
  call.output('node-version', process.version);
  call.output('cache-hit', 'false');
}
