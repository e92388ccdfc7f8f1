import { mayReview } from '../environments.ts';
import { notFound } from '../refusal.ts';
import type { Job, Run } from '../rows/run.ts';
import { jobsOf } from '../runs.ts';
import { heldTurns } from '../turns.ts';
import { actButton } from './forms.ts';
import { badge, duration, type Html, html, time } from './html.ts';
import { checkPanel } from './issues.ts';
import { commitLink, href, type PageCall, repositoryPage } from './layout.ts';
import { markdown } from './markdown.ts';

const MAX_RUNS = 100;
const MAX_LOG_CHARACTERS = 1_000_000;

export function runListPage(call: PageCall): string {
  const runs = call.hub.db.filter('runs', (one) => one.repository_id === call.repo.id).reverse();
  const rows = runs.slice(0, MAX_RUNS).map(
    (
      run,
    ) => html`<li>${badge(run.conclusion ?? run.status)} <a href="${href(call, 'actions/runs', run.id)}"><strong>${run.display_title}</strong></a>
<div class="soft">${run.name} #${run.run_number} · ${run.event} · ${run.head_branch} · ${run.actor} · ${time(run.created_at)}</div></li>`,
  );
  const main = html`<h2>Actions</h2><div class="panel"><ul class="rows">${rows}${rows.length === 0 && html`<li class="soft">No runs yet.</li>`}</ul></div>`;
  return repositoryPage(call, { title: 'Actions', tab: '/actions', main });
}

function getRun(call: PageCall): Run {
  const run = call.hub.db.get('runs', call.params.id ?? '');
  if (run?.repository_id !== call.repo.id) throw notFound();
  return run;
}

export async function runPage(call: PageCall): Promise<string> {
  const run = getRun(call);
  const jobs = jobsOf(call.hub, run);
  const artifacts = call.hub.db.filter('artifacts', (one) => one.run_id === run.id && !one.deleted);
  const logs = await Promise.all(jobs.map((job) => jobPanel(call, job)));
  const main = html`${runHeading(call, run)}
${run.message && html`<div class="panel"><h3>Message</h3><div class="body">${run.message}</div></div>`}
${waitingPanel(call, run)}
${logs}
${jobs.filter(({ summary }) => summary).map(({ name, summary }) => html`<div class="panel"><h3>Summary of ${name}</h3><div class="body">${markdown(summary)}</div></div>`)}
${artifacts.length > 0 && html`<div class="panel"><h3>Artifacts</h3><ul class="rows">${artifacts.map(({ name, size, sha256 }) => html`<li>${name} <span class="soft">${size} bytes, sha256:${sha256}</span></li>`)}</ul></div>`}`;
  return repositoryPage(call, { title: run.display_title, tab: '/actions', main });
}

function runHeading(call: PageCall, run: Run): Html {
  return html`<h2>${run.display_title} <span class="number">#${run.run_number}</span></h2>
<p>${badge(run.conclusion ?? run.status)} ${run.name} · ${run.event} · ${run.head_branch} · ${commitLink(call, run.head_sha)} · ${run.actor} · attempt ${run.attempt}</p>
<p class="soft">${run.path} · ${time(run.created_at)}</p>${call.login && call.params.job === undefined && runForms(run)}`;
}

/** Jobs that an environment holds back, with what its reviewers may answer. */
function waitingPanel(call: PageCall, run: Run): Html {
  const rows = heldTurns(call.hub, run).map(({ turn, environment }) => {
    const answers = (['approved', 'rejected'] as const).map((state) =>
      actButton('review', state === 'approved' ? 'Approve and deploy' : 'Reject', {
        ...{ environment: String(environment.id), state },
      }),
    );
    const may = call.login && mayReview(call.hub, environment, run, call.login);
    const rules = [
      environment.reviewers.length > 0 && `reviewers: ${environment.reviewers.join(', ')}`,
      environment.wait_timer > 0 && `wait timer: ${environment.wait_timer} min`,
    ].filter(Boolean);
    return html`<li><code>${turn.key}</code> waits for ${environment.name} <span class="soft">${rules.join(' · ')}</span> ${may && !turn.approved && answers}</li>`;
  });
  return html`${rows.length > 0 && html`<div class="panel"><h3>Waiting for review</h3><ul class="rows">${rows}</ul></div>`}`;
}

function runForms(run: Run): Html {
  if (run.conclusion === 'action_required') return actButton('approve', 'Approve and run');
  if (run.cancel_requested && run.status !== 'completed') return actButton('force-cancel', 'Force cancel');
  if (run.status !== 'completed') return actButton('cancel', 'Cancel run');
  return html`${actButton('rerun', 'Re-run all jobs')}${run.conclusion !== 'success' && actButton('rerun-failed', 'Re-run failed jobs')}`;
}

async function jobPanel(call: PageCall, job: Job): Promise<Html> {
  const log = await call.hub.blobs.log({ run_id: job.run_id, attempt: job.attempt, key: job.key });
  const shown = log.slice(-MAX_LOG_CHARACTERS);
  const steps = job.steps.map(
    (step) =>
      html`<li>${badge(step.conclusion ?? step.status)} ${step.name} <span class="soft">${duration(step.started_at, step.completed_at)}</span></li>`,
  );
  const annotations = job.annotations.map(
    (one) => html`<li>${badge(one.level)} ${one.path && html`<code>${one.path}</code> `}${one.message}</li>`,
  );
  return html`<div class="panel" id="job-${job.id}"><div class="head"><a href="${href(call, 'actions/runs', job.run_id, 'job', job.id)}">${job.name}</a> ${badge(job.conclusion ?? job.status)} <span class="soft">${job.runner_name} ${duration(job.started_at, job.completed_at)}</span></div>
<ul class="rows">${steps}${annotations}</ul><div class="body"><details${log.length < 20_000 && html` open`}><summary>Log</summary><pre><code>${shown}</code></pre></details></div></div>`;
}

export async function jobPage(call: PageCall): Promise<string> {
  const run = getRun(call);
  const job = call.hub.db.get('jobs', call.params.job ?? '');
  if (job?.run_id !== run.id) throw notFound();
  const main = html`${runHeading(call, run)}${await jobPanel(call, job)}<p><a href="${href(call, 'actions/runs', run.id)}">All jobs of this run</a></p>`;
  return repositoryPage(call, { title: `${job.name} · ${run.display_title}`, tab: '/actions', main });
}

export function checkPage(call: PageCall): string {
  const check = call.hub.db.get('checks', call.params.id ?? '');
  if (check?.repository_id !== call.repo.id) throw notFound();
  const main = html`<h2>${check.name}</h2><p>on ${commitLink(call, check.head_sha)}</p>${checkPanel(check)}${call.login && html`${actButton('rerequest', 'Re-run')}${check.actions.map(({ label, description, identifier }) => html`${actButton('requested_action', label, { identifier }, href(call, 'runs', check.id, 'action'))} <span class="soft">${description}</span>`)}`}`;
  return repositoryPage(call, { title: check.name, tab: '/actions', main });
}
