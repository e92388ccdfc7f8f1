import { editDataYaml } from '../lib/formats/config.ts';
import { render } from '../lib/formats/markdown.ts';
import type { MonitorResult, RetrainResult } from '../lib/lifecycle/evidence.ts';
import { retrainingBranch } from '../lib/lifecycle/retraining-branch.ts';
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
