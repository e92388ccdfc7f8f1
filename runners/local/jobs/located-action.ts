import { join } from 'node:path';
import { type ActionFile, readActionFile } from './action-file.ts';
import { readActionReference } from './action-reference.ts';
import { evaluateText } from './expression.ts';
import type { Performance } from './run-step.ts';
import { type Frame, type Session, workspacePath } from './session.ts';

export type LocatedAction = { file: ActionFile; action: NonNullable<Frame['action']> };

/** The folder and metadata of one of our actions or of a local one. */
export function locateAction(session: Session, uses: string): LocatedAction {
  const reference = readActionReference(uses);
  if (reference.kind === 'package') {
    const path = join(session.host.actionsRoot, reference.folder);
    if (!session.announced.has(uses)) {
      session.log.line(`${uses} is the running package's ${reference.folder || 'root action'} (${path})`);
      session.announced.add(uses);
    }
    return {
      file: readActionFile(path),
      action: { path, repository: 'roundhouse/roundhouse', ref: reference.ref },
    };
  }
  if (reference.kind !== 'local') throw new Error(`'${uses}' has no folder.`);
  const path = workspacePath(session, reference.folder);
  return { file: readActionFile(path), action: { path, repository: '', ref: '' } };
}

/** Action inputs fall back to action.yml; a required one that is missing is a warning, as on GitHub. */
export function withDefaults(input: {
  file: ActionFile;
  given: Record<string, string>;
  performance: Performance;
}): Record<string, string> {
  const { file, given, performance } = input;
  const { session } = performance;
  const known = new Map([...file.inputs.keys()].map((name) => [name.toLowerCase(), name]));
  for (const name of Object.keys(given).filter((name) => !known.has(name.toLowerCase()))) {
    session.log.line(
      `##[warning]Unexpected input(s) '${name}', valid inputs are ['${[...known.values()].join("', '")}']`,
    );
  }
  const lower = new Map(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]));
  const inputs = Object.fromEntries(
    [...file.inputs].map(([name, definition]) => {
      const value = lower.get(name.toLowerCase());
      if (value === undefined && definition.required && definition.default === undefined) {
        session.log.line(`##[warning]Input required and not supplied: ${name}`);
      }
      return [name, value ?? evaluateText(definition.default ?? '', performance.scope)];
    }),
  );
  return {
    ...Object.fromEntries(Object.entries(given).filter(([name]) => !known.has(name.toLowerCase()))),
    ...inputs,
  };
}
