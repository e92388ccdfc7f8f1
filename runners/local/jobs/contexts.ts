import type { ClaimedRun } from '../protocol.ts';
import type { Json } from './expression.ts';
import type { Workflow } from './workflow.ts';

/** The `github` context without what only a job has (token, job, workspace, event_path). */
export function githubContext(run: ClaimedRun, workflow: Workflow): Record<string, Json> {
  const repository = `${run.repository.owner}/${run.repository.name}`;
  return {
    actor: run.actor,
    triggering_actor: run.triggering_actor,
    api_url: run.api_url,
    graphql_url: run.api_url.replace(/\/v3$/, '/graphql'),
    server_url: run.server_url,
    base_ref: run.base_ref,
    head_ref: run.head_ref,
    event: JSON.parse(JSON.stringify(run.event_payload ?? {})),
    event_name: run.event,
    ref: run.ref,
    ref_name: run.ref_name,
    ref_type: run.ref_type,
    ref_protected: false,
    repository,
    repository_id: String(run.repository.id),
    repository_owner: run.repository.owner,
    repositoryUrl: `${run.server_url}/${repository}.git`,
    run_id: String(run.id),
    run_number: String(run.run_number),
    run_attempt: String(run.attempt),
    sha: run.sha,
    workflow: workflow.name,
    workflow_ref: `${repository}/${run.workflow.path}@${run.ref}`,
    workflow_sha: run.sha,
    retention_days: '90',
    secret_source: 'Actions',
  };
}

/** The `inputs` context: declared booleans and numbers are typed, defaults filled in; event.inputs stay text. */
export function inputsContext(run: ClaimedRun, workflow: Workflow): Record<string, Json> {
  const declared = [...workflow.dispatchInputs].map(([name, definition]) => {
    const fallback = typeof definition.default === 'object' ? null : definition.default;
    return [name, typed(definition.type, run.inputs[name] ?? fallback ?? null)] as const;
  });
  return run.event === 'workflow_dispatch' ? { ...run.inputs, ...Object.fromEntries(declared) } : {};
}

export function typed(type: string, value: string | number | boolean | null): Json {
  if (type === 'boolean') return value === true || value === 'true';
  if (type === 'number') return value === null ? null : Number(value);
  return value === null ? '' : String(value);
}
