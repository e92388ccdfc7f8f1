/** How GitHub calls the shells it knows; `{0}` is the script's path. */
const shells: Record<string, string> = {
  '': 'bash -e {0}',
  bash: 'bash --noprofile --norc -e -o pipefail {0}',
  sh: 'sh -e {0}',
  python: 'python {0}',
  node: 'node {0}',
};
const extensions: Record<string, string> = { python: '.py', node: '.mjs' };

export type ShellCall = { command: string; args: string[] };

/** The command line for a `shell:` (empty = not given) and a script. */
export function shellCall(shell: string, script: string): ShellCall {
  const template = shells[shell] ?? shell;
  if (!template.includes('{0}'))
    throw new Error(`The shell '${shell}' is unknown. A shell of your own needs {0} where the script goes.`);
  const [command = '', ...args] = template.split(/\s+/).map((part) => part.replaceAll('{0}', script));
  return { command, args };
}

export function scriptExtension(shell: string): string {
  return extensions[shell] ?? '.sh';
}
