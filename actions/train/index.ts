import { runStage } from '../kit/action.ts';
import { trainStage } from './stage.ts';

await runStage(trainStage, { untrusted: true });
