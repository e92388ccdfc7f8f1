import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobState } from '../protocol.ts';
import { type Command, parseCommand } from './command.ts';
import { parseAssignments, parsePaths } from './command-file.ts';
import type { Session } from './session.ts';

/** GitHub's limit on one step's summary, bytes. */
const maxSummary = 1024 * 1024;
/** GitHub's limit on annotations of one job. */
const maxAnnotations = 50;
const files = {
  env: 'GITHUB_ENV',
  output: 'GITHUB_OUTPUT',
  path: 'GITHUB_PATH',
  state: 'GITHUB_STATE',
  summary: 'GITHUB_STEP_SUMMARY',
};

/** How a step speaks to the job: files whose names it finds in its environment, and commands in its output. */
export type StepIo = {
  env: Record<string, string>;
  onLine: (line: string) => void;
  /** Reads the files once the step has ended; a malformed one is an error. */
  collect(): { outputs: Record<string, string>; state: Record<string, string> };
};

export function createStepIo(session: Session): StepIo {
  const folder = join(session.folders.temp, '_runner_file_commands', randomUUID());
  mkdirSync(folder, { recursive: true });
  for (const name of Object.keys(files)) writeFileSync(join(folder, name), '');
  const read = (name: keyof typeof files) => readFileSync(join(folder, name), 'utf8');

  return {
    env: Object.fromEntries(Object.entries(files).map(([name, variable]) => [variable, join(folder, name)])),
    onLine: commandReader(session),
    collect() {
      addSummary(session, read('summary'));
      session.path.push(...parsePaths(read('path')));
      for (const [name, value] of parseAssignments(read('env'))) setVariable(session, name, value);
      const result = {
        outputs: Object.fromEntries(parseAssignments(read('output'))),
        state: Object.fromEntries(parseAssignments(read('state'))),
      };
      rmSync(folder, { recursive: true, force: true });
      return result;
    },
  };
}

export function annotate(session: Session, annotation: JobState['annotations'][number]): void {
  if (session.state.annotations.length >= maxAnnotations) return;
  const { masks } = session;
  session.state.annotations.push({ ...annotation, message: masks.apply(annotation.message) });
  session.changed();
}

function commandReader(session: Session): (line: string) => void {
  let stopToken: string | null = null;
  return (line) => {
    const command = parseCommand(line);
    if (stopToken !== null) {
      if (command?.name === stopToken.toLowerCase()) stopToken = null;
      session.log.line(line);
    } else if (command?.name === 'stop-commands') {
      stopToken = command.value;
      session.log.line(line);
    } else if (!command || !obey(session, command)) {
      session.log.line(line);
    }
  };
}

/** false when the line is no command after all, and is to be printed. */
function obey(session: Session, { name, properties, value }: Command): boolean {
  switch (name) {
    case 'error':
    case 'warning':
    case 'notice':
      annotate(session, annotationOf({ name, properties, value }));
      session.log.line(`##[${name}]${value}`);
      return true;
    case 'group':
      session.log.line(`##[group]${value}`);
      return true;
    case 'endgroup':
      session.log.line('##[endgroup]');
      return true;
    case 'add-mask':
      session.masks.add(value);
      session.log.line('::add-mask::***');
      return true;
    case 'debug':
      if (session.run.debug) session.log.line(`##[debug]${value}`);
      return true;
    case 'echo':
    case 'add-matcher':
    case 'remove-matcher':
      return true;
    case 'set-output':
    case 'save-state':
    case 'set-env':
    case 'add-path':
      refuse(session, name);
      return true;
    default:
      return false;
  }
}

/** GitHub docs, reference/workflows-and-actions/workflow-commands: where a message belongs in a file. */
function annotationOf({ name, properties, value }: Command): JobState['annotations'][number] {
  const place = { line: 'line', endLine: 'end_line', col: 'start_column', endColumn: 'end_column' } as const;
  const numbers = Object.entries(place).flatMap(([property, field]) => {
    const number = Number.parseInt(properties[property] ?? '', 10);
    return Number.isFinite(number) ? [[field, number] as const] : [];
  });
  return {
    level: name === 'error' ? 'failure' : name === 'warning' ? 'warning' : 'notice',
    message: value,
    ...(properties.title && { title: properties.title }),
    ...(properties.file && { path: properties.file }),
    ...Object.fromEntries(numbers),
  };
}

function refuse(session: Session, name: string): void {
  const file =
    { 'set-output': 'GITHUB_OUTPUT', 'save-state': 'GITHUB_STATE', 'set-env': 'GITHUB_ENV' }[name] ??
    'GITHUB_PATH';
  const message = `The command '::${name}::' is deprecated and has no effect here. Write to the file ${file} instead.`;
  annotate(session, { level: 'warning', message });
  session.log.line(`##[warning]${message}`);
}

function setVariable(session: Session, name: string, value: string): void {
  if (name.toUpperCase() === 'NODE_OPTIONS') throw new Error("Can't store NODE_OPTIONS using GITHUB_ENV.");
  if (/^(GITHUB|RUNNER)_/i.test(name)) return;
  session.env[name] = value;
}

function addSummary(session: Session, markdown: string): void {
  if (markdown === '') return;
  const bytes = Buffer.byteLength(markdown);
  if (bytes > maxSummary) {
    const message = `GITHUB_STEP_SUMMARY supports content up to a size of ${maxSummary} bytes, got ${bytes}.`;
    annotate(session, { level: 'failure', message });
    session.log.line(`##[error]${message}`);
    return;
  }
  session.state.summary += session.masks.apply(markdown.endsWith('\n') ? markdown : `${markdown}\n`);
  session.changed();
}
