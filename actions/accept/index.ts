import { runStep } from '../kit/action.ts';
import { openContext } from '../kit/context.ts';
import { acceptStage } from './stage.ts';

await runStep(async (step) => acceptStage(await openContext(step)));
