import { runStage } from '../kit/action.ts';
import { deployStage } from './stage.ts';

await runStage(deployStage);
