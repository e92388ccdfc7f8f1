import { runStep } from '../kit/action.ts';
import { openContext } from '../kit/context.ts';
import { modelCardStage } from './stage.ts';

await runStep(async (step) => modelCardStage(await openContext(step)));
