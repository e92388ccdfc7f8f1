// A process to be killed: it starts a predictor and tells the pid of its child.
import { execFileSync } from 'node:child_process';
import { startPredictor } from '#lib/ml/predictor.ts';
import { modelOf, node, SIGNATURE } from './models.ts';

await startPredictor({ model: modelOf([node('Relu', ['x'], 'prediction')]), signature: SIGNATURE });
const children = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' })
  .split('\n')
  .map((line) => line.trim().split(/\s+/))
  .filter(
    ([, parent, ...args]) => parent === String(process.pid) && args.join(' ').includes('inference-child'),
  );
process.send?.(children[0]?.[0]);
