import { runStage } from '../kit/action.ts';
import { dataStage } from './stage.ts';

await runStage(dataStage, { untrusted: true });
