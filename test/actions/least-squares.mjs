// A trainer in another program: least squares on the numeric inputs, as ONNX with one matrix of all of them.
// It knows nothing of Roundhouse but docs/command-trainer.md.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';

const folder = process.env.ROUNDHOUSE_TRAIN;
const request = JSON.parse(readFileSync(join(folder, 'request.json'), 'utf8'));
const [head, ...lines] = readFileSync(join(folder, request.rows.file), 'utf8').trim().split('\n');
const names = head.split(',');
const columns = request.inputs.map(({ name }) => names.indexOf(name));
const rows = lines.map((line) => {
  const cells = line.split(',');
  return { x: columns.map((at) => Number(cells[at])), y: Number(cells[names.indexOf(request.target)]) };
});

/** Solves (X'X + ridge I) w = X'y by Gauss-Jordan elimination; the last weight is the intercept. */
function leastSquares() {
  const width = columns.length + 1;
  const system = Array.from({ length: width }, () => new Array(width + 1).fill(0));
  for (const { x, y } of rows) {
    const row = [...x, 1];
    row.forEach((a, i) => {
      row.forEach((b, j) => {
        system[i][j] += a * b;
      });
      system[i][width] += a * y;
    });
  }
  for (let i = 0; i < width; i++) system[i][i] += request.params.ridge;
  for (let pivot = 0; pivot < width; pivot++) {
    const scale = system[pivot][pivot];
    system[pivot] = system[pivot].map((value) => value / scale);
    for (let row = 0; row < width; row++) {
      if (row === pivot) continue;
      const factor = system[row][pivot];
      system[row] = system[row].map((value, at) => value - factor * system[pivot][at]);
    }
  }
  return system.map((row) => row[width]);
}

const weights = leastSquares();
const intercept = weights.pop();
const { onnx } = onnxProto;
const info = (name, width) => ({
  name,
  type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'n' }, { dimValue: width }] } } },
});
const model = onnx.ModelProto.encode({
  irVersion: 8,
  opsetImport: [{ domain: '', version: 17 }],
  producerName: 'least-squares',
  graph: {
    name: 'g',
    node: [
      { opType: 'MatMul', input: ['X', 'w'], output: ['xw'] },
      { opType: 'Add', input: ['xw', 'b'], output: ['variable'] },
    ],
    initializer: [
      { name: 'w', dataType: 1, dims: [weights.length, 1], floatData: weights },
      { name: 'b', dataType: 1, dims: [1], floatData: [intercept] },
    ],
    input: [info('X', weights.length)],
    output: [info('variable', 1)],
  },
}).finish();

const broken = request.params.broken ?? '';
if (broken === 'exit') {
  console.error('cannot allocate memory');
  process.exit(3);
}
if (broken === 'slow') {
  console.log('epoch 1/9');
  setInterval(() => {}, 1000);
} else {
  if (broken === 'pickle') writeFileSync(join(folder, 'model.onnx'), Buffer.from([0x80, 4, 1]));
  else if (broken === 'pipe') execFileSync('mkfifo', [join(folder, 'model.onnx')]);
  else if (broken !== 'nothing') writeFileSync(join(folder, 'model.onnx'), model);
  const answers = rows
    .slice(0, 500)
    .map(({ x }) => x.reduce((sum, value, at) => sum + value * weights[at], intercept));
  const predictions = broken === 'other' ? answers.map((value) => value + 1) : answers;
  writeFileSync(join(folder, 'report.json'), JSON.stringify({ curve: [3, 2, 1], predictions }));
  console.log(
    `${request.fit}: ${rows.length} rows, secret ${process.env.SECRET ?? 'unseen'}, seed ${process.env.SEEDED ?? 'unseen'}`,
  );
}
