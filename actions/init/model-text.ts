import { durationMs, durationOf } from '#lib/lifecycle/duration.ts';
import { chooseTraining } from '#lib/lifecycle/training-choice.ts';
import type { Understanding } from './understand.ts';

export function modelYaml({ task, facts, choice }: Understanding): string {
  const { epochs, batch, hidden, l2 } = chooseTraining(facts.rows.kept);
  const learning = (rate: number) => `${task.kind === 'regression' ? '\n    loss: mae' : ''}
    epochs: ${epochs}
    learning_rate: ${rate}
    batch_size: ${batch}${l2 === 0 ? '' : `\n    l2: ${l2}`}`;
  return `# What is trained. The candidate with the lowest validation loss meets the holdout.
version: 1
predictor: onnx

# Batches and epochs for ${facts.rows.kept} rows: about ${Math.round(facts.rows.kept / batch)} steps an epoch, and some thousands in all.
candidates:
  - name: linear
    trainer: linear${learning(0.01)}
  - name: mlp
    trainer: mlp
    hidden: [${hidden.join(', ')}]${learning(0.003)}

seed: 1

# full: what is served is trained up to the newest row, and what was judged is its twin.
refit: ${choice.split.by === 'time' ? 'full' : 'none'}

description: ""
limitations: []
`;
}

const DAY = durationMs('P1D');

/** How much worse than when it was judged a version is renewed: twice the error, or a tenth off a score. */
const MARGINS = { minimize: '100%', maximize: '10%' } as const;

export function operateYaml({ success, facts }: Understanding, model: string): string {
  const spanMs = facts.spread?.spanMs ?? 0;
  const { window, cooldown, training, why } = windowsOf(spanMs);
  return `# How versions of ${model} are rolled out, watched and renewed.
version: 1

deployment:
  environments: [production]
  strategy:
    kind: canary
    # A fifth of the requests first; without enough of them by then people are asked.
    steps: [{ weight: 20, min_requests: 200, max_duration: PT15M }]
    checks: { max_error_rate: 0.01, max_latency_p95_ms: 250 }

monitoring:
  # ${why}
  window: ${window}

retraining:
  when: any
  # Drift of the inputs alone never opens a pull request: errors on labels do. Errors count as too many where
  # even the better bound of ${success.metric} is beyond the success metric of problem.yml, or beyond what the version
  # reached when it was judged, by a margin that seasons do not pass: narrow it once you know yours.
  triggers:
    - { kind: labelled_loss, metric: ${success.metric}, worse_than: threshold }
    - { kind: labelled_loss, metric: ${success.metric}, worse_than: reference, by: ${MARGINS[success.direction]} }
  cooldown: ${cooldown}
  # Rows that a retraining learns from, back from its day.
  window: ${training}
`;
}

/** Windows by what the file spans: a year where there are two, so that every season is in it. */
function windowsOf(spanMs: number): { window: string; cooldown: string; training: string; why: string } {
  const days = spanMs / DAY;
  if (days === 0)
    return {
      window: 'P90D',
      cooldown: 'P30D',
      training: 'P90D',
      why: 'The file has no time: choose what your traffic needs.',
    };
  const some = (share: number, most: number) =>
    durationOf(Math.max(1, Math.min(most, Math.floor(days * share))) * DAY);
  return {
    window: some(1 / 4, 90),
    cooldown: some(1 / 12, 30),
    training: days >= 730 ? 'P365D' : some(1 / 2, 90),
    why: `The file spans ${Math.round(days)} days.`,
  };
}
