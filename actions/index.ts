import { getInput } from '@actions/core';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { runStage, runStep } from './kit/action.ts';
import { openContext } from './kit/context.ts';
import { planned } from './kit/planned.ts';
import { stages, withOption } from './stages.ts';

/** The root action: one stage as a plain step, by its name. */
const NAMES = ['data', 'train', 'evaluate', 'model-card', 'deploy', 'drift-check', 'retrain'] as const;

async function run(stage: string): Promise<void> {
  switch (stage) {
    case 'data':
      return runStage(stages.data);
    case 'train':
      return trainEach();
    case 'evaluate':
      return runStage(stages.evaluate);
    case 'model-card':
      return runStep(async (step) =>
        (await import('./model-card/stage.ts')).modelCardStage(await openContext(step)),
      );
    case 'deploy':
      return runStage(stages.deploy);
    case 'drift-check':
      return runStage(stages.monitor);
    case 'retrain':
      return runStage(stages.retrain);
    default:
      return runStep(async () => {
        throw new UserError(`"${stage}" is no stage`, { fix: `use one of: ${NAMES.join(', ')}` });
      });
  }
}

/** Without a matrix, one step trains every candidate of model.yml, or the one that is named. */
async function trainEach(): Promise<void> {
  if (getInput('candidate') !== '') return runStage(stages.train);
  return runStep(async (step) => {
    const context = await openContext(step);
    const { plan } = await planned(context);
    for (const { index } of plan.candidates) {
      const { statement, inputs } = await stages.train(withOption(context, 'candidate', String(index)));
      context.evidence.save('train', statement, { index, inputs });
    }
    return { outputs: { verdict: 'passed' } };
  });
}

await run(getInput('stage'));
