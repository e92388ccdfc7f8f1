import type { StageContext } from './kit/context.ts';

/** Each stage is loaded when it is asked for: DuckDB and the ML runtimes cost a second that --help need not wait for. */
export const stages = {
  data: async (context: StageContext) => (await import('./data/stage.ts')).dataStage(context),
  train: async (context: StageContext) => (await import('./train/stage.ts')).trainStage(context),
  evaluate: async (context: StageContext) => (await import('./evaluate/stage.ts')).evaluateStage(context),
  deploy: async (context: StageContext) => (await import('./deploy/stage.ts')).deployStage(context),
  monitor: async (context: StageContext) => (await import('./drift-check/stage.ts')).driftCheckStage(context),
  retrain: async (context: StageContext) => (await import('./retrain/stage.ts')).retrainStage(context),
};

/** The same context with one option answered otherwise. */
export function withOption(context: StageContext, name: string, value: string): StageContext {
  return { ...context, option: (asked) => (asked === name ? value : context.option(asked)) };
}
