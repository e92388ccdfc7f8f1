import { render } from '#lib/formats/markdown.ts';
import { hasMarker, withMarker } from '#lib/formats/sticky.ts';
import type { Statement } from '#lib/lifecycle/evidence.ts';
import type { MonitorRecord } from '#lib/lifecycle/records.ts';
import { readEvidence } from '#lib/records/model-history.ts';
import { loadTemplate } from '../../templates/load.ts';
import { decideHealth } from '../health-decision.ts';
import { isUnderWay, once } from '../once.ts';
import type { Project } from '../project.ts';

/** One rolling issue per model: opened when decay is shown, kept up to date, closed on recovery. */
export async function syncHealth(project: Project, latest: MonitorRecord): Promise<void> {
  const { issues } = project.forge;
  const marker = { kind: 'health', key: latest.model };
  const find = async () =>
    (await issues.list({ state: 'open' })).find(
      ({ author, body }) => author.login === project.bot && hasMarker(body, marker),
    );
  const open = await find();
  const plan = decideHealth({ decay: latest.decay, isOpen: open !== undefined });
  if (plan === 'none') return;
  const monitor = await readEvidence(project.state, 'monitor', latest.monitor);
  const body = withMarker(marker, render(loadTemplate('comments/health.hbs'), healthView(monitor, latest)));
  const title = `${latest.model}: the error on labels is outside its bounds`;
  const opening = {
    key: `health:${latest.model}:${latest.as_of}`,
    find: async () => String((await find())?.number ?? '') || null,
    make: async () => String((await issues.create({ title, body })).number),
    told: (number: string) => ({
      event: 'issue opened',
      actor: project.bot,
      subject: `#${number}: ${title}`,
      model: latest.model,
      digest: latest.monitor,
      verdict: latest.decay,
    }),
  };
  if (plan === 'open') {
    await once(project, opening);
    return;
  }
  if (!open) return;
  // Opened right before a crash, and not yet written down as done.
  if (await isUnderWay(project, opening.key)) await once(project, opening);
  if (open.body.trim() !== body.trim()) await issues.update(open.number, { body });
  if (plan === 'close') await issues.update(open.number, { state: 'closed' });
}

export function healthView({ predicate: { result } }: Statement<'monitor'>, latest: MonitorRecord) {
  return {
    model: latest.model,
    environment: result.environment,
    as_of: result.as_of.slice(0, 10),
    from: result.window.from.slice(0, 10),
    until: result.window.until.slice(0, 10),
    decay: result.decay,
    drift: result.drift_verdict,
    labels: result.labels,
    performance: result.performance,
    reasons: result.reasons,
    drifted: result.drift
      .filter(({ verdict }) => verdict === 'drifted')
      .map(({ column, psi, seasonal }) => ({ column, psi, seasonal })),
    run: latest.run.id,
  };
}
