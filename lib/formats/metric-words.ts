import type { Metric } from '../lifecycle/problem.ts';

/** How people write a metric, and which way is better. */
export const METRIC_WORDS: Record<Metric, { label: string; better: string; long: string }> = {
  mae: { label: 'MAE', better: 'lower is better', long: 'mean absolute error' },
  rmse: { label: 'RMSE', better: 'lower is better', long: 'root mean squared error' },
  r2: { label: 'R²', better: 'higher is better', long: 'share of variance explained' },
  bias: { label: 'bias', better: 'nearer to 0 is better', long: 'mean error' },
  accuracy: { label: 'accuracy', better: 'higher is better', long: 'share of right classes' },
  log_loss: { label: 'log loss', better: 'lower is better', long: 'mean negative log likelihood' },
  auc: { label: 'AUC', better: 'higher is better', long: 'area under the ROC curve' },
  f1: { label: 'F1', better: 'higher is better', long: 'harmonic mean of precision and recall' },
};
