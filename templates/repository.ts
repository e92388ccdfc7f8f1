import { loadTemplate } from './load.ts';

/** A file of a user's repository: its path from the root, and its text. */
export type RepositoryFile = { path: string; text: string };

export type RepositoryOptions = {
  /** Commit of roundhouse/roundhouse whose actions the workflows use: 40 hex characters. */
  sha: string;
  /** Control address of the supervisor that serves `production`. */
  supervisor: string;
  /** When the monitor runs, as cron in UTC. */
  schedule: string;
};

export const WORKFLOW_FILES = {
  '.github/workflows/roundhouse.yml': 'workflows/roundhouse.yml',
  '.github/workflows/roundhouse-evaluate.yml': 'workflows/roundhouse-evaluate.yml',
  '.github/workflows/roundhouse-deploy.yml': 'workflows/roundhouse-deploy.yml',
  '.github/workflows/roundhouse-monitor.yml': 'workflows/roundhouse-monitor.yml',
};

/** Where each template goes. The ignore file has another name here: git and npm would obey it. */
const FILES = {
  '.github/roundhouse.yml': 'starter/.github/roundhouse.yml',
  ...WORKFLOW_FILES,
  '.github/ISSUE_TEMPLATE/ml-problem.yml': 'issue-forms/ml-problem.yml',
  '.github/ISSUE_TEMPLATE/prediction-feedback.yml': 'issue-forms/prediction-feedback.yml',
  '.gitattributes': 'starter/.gitattributes',
  '.gitignore': 'starter/.gitignore.txt',
  'README.md': 'starter/README.md',
};

/** The files that make a repository one that Roundhouse looks after, models apart. */
export function repositoryFiles(options: RepositoryOptions): RepositoryFile[] {
  if (!/^[0-9a-f]{40}$/.test(options.sha)) throw new TypeError(`not a full commit SHA: ${options.sha}`);
  return Object.entries(FILES).map(([path, template]) => ({
    path,
    text: fillPlaceholders(loadTemplate(template), options),
  }));
}

/** Replaces `{{name}}`. A placeholder without a value is our mistake, never a file of the user's. */
export function fillPlaceholders(text: string, values: Record<string, string>): string {
  return text.replace(/(?<!\$)\{\{(\w+)\}\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no value for ${whole}`);
    return value;
  });
}
