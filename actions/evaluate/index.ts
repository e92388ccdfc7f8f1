import { runStage } from '../kit/action.ts';
import { evaluateStage } from './stage.ts';

await runStage(evaluateStage);
