import { runStage } from '../kit/action.ts';
import { driftCheckStage } from './stage.ts';

await runStage(driftCheckStage);
