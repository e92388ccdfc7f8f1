import { runStage } from '../kit/action.ts';
import { retrainStage } from './stage.ts';

await runStage(retrainStage);
