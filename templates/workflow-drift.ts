import type { WorkflowFact } from '#lib/lifecycle/doctor-machine.ts';
import { loadTemplate } from './load.ts';
import { fillPlaceholders, WORKFLOW_FILES } from './repository.ts';

const PIN = /\broundhouse\/roundhouse\/[\w./-]+@([0-9a-f]{40})\b/g;
const CRON = /\bcron:\s*['"]?([^'"\n#]+?)['"]?\s*$/m;

/** Each generated workflow file as it is found (null = not there) beside what this package writes with its pin and schedule. */
export function workflowFacts(read: (path: string) => string | null): WorkflowFact[] {
  return Object.entries(WORKFLOW_FILES).map(([path, template]): WorkflowFact => {
    const text = read(path);
    if (text === null) return { path, state: 'missing', pins: [] };
    const pins = [...new Set([...text.matchAll(PIN)].map(([, sha = '']) => sha))];
    const values = { sha: pins[0] ?? '', schedule: CRON.exec(text)?.[1] ?? '' };
    const written = fillPlaceholders(loadTemplate(template), values);
    return { path, state: lines(text) === lines(written) ? 'same' : 'different', pins };
  });
}

/** A checkout on Windows has other line ends, which is no difference. */
function lines(text: string): string {
  return text.replaceAll('\r\n', '\n').trimEnd();
}
