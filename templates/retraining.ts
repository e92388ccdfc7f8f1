import { editDataYaml } from '../lib/formats/config.ts';
import { render } from '../lib/formats/markdown.ts';
import type { MonitorResult, RetrainResult } from '../lib/lifecycle/evidence.ts';
import { loadTemplate } from './load.ts';

export type RetrainingPull = {
  /** One per model and day of data time: the branch is the claim, so a window opens one pull request. */
  branch: string;
  title: string;
  body: string;
  commitMessage: string;
  /** The one file that changes, and its new text. */
  file: string;
  text: string;
};

/** What the retraining pull request says and changes; null where the decision changes nothing. */
export function retrainingPull({
  model,
  monitor,
  retrain,
  dataYaml,
}: {
  model: string;
  monitor: MonitorResult;
  retrain: RetrainResult;
  /** Present text of data.yml. */
  dataYaml: string;
}): RetrainingPull | null {
  const { change, reasons, as_of } = retrain;
  if (change === null) return null;
  const file = `models/${model}/data.yml`;
  const until = change.window.until.slice(0, 10);
  return {
    branch: retrainingBranch(model, as_of),
    title: `Retrain ${model} on data until ${until}`,
    body: render(loadTemplate('comments/retraining.hbs'), {
      model,
      environment: monitor.environment,
      as_of: monitor.as_of.slice(0, 10),
      from: monitor.window.from.slice(0, 10),
      until: monitor.window.until.slice(0, 10),
      decay: monitor.decay,
      performance: monitor.performance,
      reasons,
      change,
    }),
    commitMessage: `Retrain ${model}: window until ${until}`,
    file,
    text: editDataYaml({ file, text: dataYaml }, change),
  };
}

/** The branch of one window. */
export function retrainingBranch(model: string, asOf: string): string {
  return `roundhouse-retrain-${model}-${asOf.slice(0, 10)}`;
}

/** Model and day of data time that a retraining branch names; null where the branch is no such one. */
export function retrainingWindow(branch: string): { model: string; day: string } | null {
  const [, model, day] = /^roundhouse-retrain-(.+)-(\d{4}-\d{2}-\d{2})$/.exec(branch) ?? [];
  return model === undefined || day === undefined ? null : { model, day };
}

/** The day of a model's retraining branch, or null where the branch is no such one. */
export function retrainingDay(model: string, branch: string): string | null {
  const window = retrainingWindow(branch);
  return window?.model === model ? window.day : null;
}
