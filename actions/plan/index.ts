import { runStep } from '../kit/action.ts';
import { planStep } from './stage.ts';

await runStep(planStep);
