import type { PermissionLevel, Permissions } from '../protocol.ts';
import { isTemplateMap, type Template } from './template.ts';

/** Names as in REST, with underscores. */
const scopes = [
  'actions',
  'attestations',
  'checks',
  'contents',
  'deployments',
  'discussions',
  'issues',
  'models',
  'packages',
  'pages',
  'pull_requests',
  'repository_projects',
  'security_events',
  'statuses',
];

/**
 * What a job's token may do: the job's own block, else the workflow's, else the repository's setting. A block
 * that is given takes away all that it does not name.
 */
export function tokenPermissions(input: {
  job: Template | undefined;
  workflow: Template | undefined;
  defaults: Permissions;
}): Permissions {
  const declared = input.job ?? input.workflow;
  if (declared === undefined) return restNames(input.defaults);
  if (declared === 'read-all') return withMetadata(allScopes('read'));
  if (declared === 'write-all') return withMetadata(allScopes('write'));
  if (!isTemplateMap(declared)) return withMetadata({});
  return withMetadata(
    restNames(Object.fromEntries([...declared].map(([name, level]) => [name, levelOf(level)]))),
  );
}

function allScopes(level: PermissionLevel): Permissions {
  return Object.fromEntries(scopes.map((scope) => [scope, level]));
}

function restNames(permissions: Permissions): Permissions {
  const granted = Object.entries(permissions).filter(([, level]) => level !== 'none');
  return Object.fromEntries(granted.map(([name, level]) => [name.replaceAll('-', '_'), level]));
}

function withMetadata(permissions: Permissions): Permissions {
  return { ...permissions, metadata: 'read' };
}

function levelOf(level: Template): PermissionLevel {
  return level === 'read' || level === 'write' ? level : 'none';
}
