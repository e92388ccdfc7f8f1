import { readFileSync } from 'node:fs';

export const PIN = '0123456789abcdef0123456789abcdef01234567';

/** The workflow files that docs/plain-steps.md asks to paste, by path. */
export function documentedWorkflows(): Record<string, string> {
  const text = readFileSync(new URL('../../docs/plain-steps.md', import.meta.url), 'utf8');
  const blocks = text.matchAll(/^`(\.github\/workflows\/[a-z]+\.yml)`\n\n```yaml\n(.*?)^```$/gms);
  return Object.fromEntries(
    [...blocks].map(([, path = '', yaml = '']) => [path, yaml.replaceAll('<commit>', PIN)]),
  );
}
