import { execFileSync, fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { startPredictor } from '#lib/ml/predictor.ts';
import { graphOf, int64s, modelOf, node, SIGNATURE, slowModel, value } from './models.ts';

const RELU = modelOf([node('Relu', ['x'], 'prediction')]);

/** Children of this process that run the inference child now. */
function children(): number[] {
  const listed = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' });
  return listed
    .split('\n')
    .filter((line) => line.includes('inference-child') && line.trim().split(/\s+/)[1] === String(process.pid))
    .map((line) => Number(line.trim().split(/\s+/)[0]));
}

describe('a predictor', () => {
  test('answers several calls in flight, each with its own rows', async () => {
    const predictor = await startPredictor({ model: RELU, signature: SIGNATURE });
    try {
      const calls = Array.from({ length: 20 }, (_, call) =>
        predictor.predict({ x: Float32Array.of(call, -call - 1) }, 2),
      );
      const answers = await Promise.all(calls);
      expect(answers.map(({ values }) => [...values])).toEqual(calls.map((_, call) => [call, 0]));
      expect(answers[0]?.width).toBe(1);
    } finally {
      await predictor.close();
    }
    expect(children()).toEqual([]);
  });

  test('takes integers beyond 2^31 and any text', async () => {
    const encoder = {
      ...node('OneHotEncoder', ['i'], 'a', [{ name: 'cats_int64s', type: 7, ints: [2 ** 52, -(2 ** 63)] }]),
      domain: 'ai.onnx.ml',
    };
    const strings = ['ä b', ''].map((text) => Buffer.from(text));
    const texts = {
      ...node('OneHotEncoder', ['s'], 'b', [{ name: 'cats_strings', type: 8, strings }]),
      domain: 'ai.onnx.ml',
    };
    const nodes = [
      encoder,
      texts,
      node('Concat', ['a', 'b'], 'prediction', [{ name: 'axis', type: 2, i: 2 }]),
    ];
    const model = modelOf([], {
      opsetImport: [
        { domain: '', version: 17 },
        { domain: 'ai.onnx.ml', version: 3 },
      ],
      graph: {
        name: 'g',
        node: nodes,
        input: [value('i', 7), value('s', 8)],
        output: [{ name: 'prediction', type: { tensorType: { elemType: 1 } } }],
      },
    });
    const signature = {
      ...SIGNATURE,
      inputs: [
        { name: 'i', datatype: 'INT64' as const, shape: [-1, 1] },
        { name: 's', datatype: 'BYTES' as const, shape: [-1, 1] },
      ],
      outputs: [{ name: 'prediction', datatype: 'FP32' as const, shape: [-1, 4] }],
    };
    const predictor = await startPredictor({ model, signature });
    try {
      const feed = { i: BigInt64Array.of(2n ** 52n, -(2n ** 63n), 0n), s: ['', 'x', 'ä b'] };
      const { values } = await predictor.predict(feed, 3);
      expect([...values]).toEqual([1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0]);
    } finally {
      await predictor.close();
    }
  });

  test('says what is wrong with a call and goes on', async () => {
    const predictor = await startPredictor({ model: RELU, signature: SIGNATURE });
    try {
      await expect(predictor.predict({ x: Float32Array.of(1) }, 2)).rejects.toThrow(
        'input "x" has 1 values for 2 rows',
      );
      await expect(predictor.predict({}, 1)).rejects.toThrow('input "x" has 0 values for 1 rows');
      expect([...(await predictor.predict({ x: Float32Array.of(3) }, 1)).values]).toEqual([3]);
    } finally {
      await predictor.close();
    }
    await expect(predictor.predict({ x: Float32Array.of(1) }, 1)).rejects.toThrow('the predictor was closed');
  });
});

test('an answer of another width than the signature says is the error of the user', async () => {
  const wide = modelOf([node('Concat', ['x', 'x'], 'prediction', [{ name: 'axis', type: 2, i: 1 }])]);
  const predictor = await startPredictor({ model: wide, signature: SIGNATURE });
  try {
    const asked = predictor.predict({ x: Float32Array.of(1, 2) }, 2);
    await expect(asked).rejects.toThrow(
      'output "prediction" has 2 values for each row, and the signature says 1',
    );
    await expect(asked).rejects.toThrow(UserError);
  } finally {
    await predictor.close();
  }
});

describe('a model that is refused', () => {
  const other = { ...SIGNATURE, inputs: [{ name: 'y', datatype: 'INT64' as const, shape: [-1, 1] }] };
  test.each([
    ['by structure', modelOf([node('Loop', ['x'], 'prediction')]), SIGNATURE, /refused: operator Loop/],
    [
      'by the runtime',
      modelOf([node('NoSuchOperator', ['x'], 'prediction')]),
      SIGNATURE,
      /can't be loaded: .*NoSuchOperator/,
    ],
    ['by its signature', RELU, other, /has no input "y"; it asks for the further input "x"/],
  ])('%s is the error of the user, and leaves no process', async (_, model, signature, message) => {
    const starting = startPredictor({ model, signature });
    await expect(starting).rejects.toThrow(message);
    await expect(starting).rejects.toThrow(UserError);
    expect(children()).toEqual([]);
  });
});

describe('a model that misbehaves', () => {
  test('too slow: every call in flight and every later one hears why', async () => {
    const predictor = await startPredictor({
      model: slowModel(2000, 50),
      signature: SIGNATURE,
      deadlineMs: 500,
    });
    const [slow, behind] = [1, 2].map(() => predictor.predict({ x: Float32Array.of(0.001) }, 1));
    await expect(slow).rejects.toThrow('did not predict within 500 ms and was stopped');
    await expect(behind).rejects.toThrow('was stopped');
    await expect(predictor.predict({ x: Float32Array.of(1) }, 1)).rejects.toThrow('was stopped');
    await predictor.close();
    expect(children()).toEqual([]);
  });

  test.runIf(existsSync('/usr/bin/prlimit'))('too hungry: the memory of the child is bounded', async () => {
    const graph = graphOf(
      [node('Expand', ['x', 'shape'], 'big'), node('ReduceSum', ['big', 'axes'], 'prediction')],
      { initializer: [int64s('shape', [30_000, 30_000]), int64s('axes', [1])] },
    );
    const predictor = await startPredictor({
      model: modelOf([], { graph }),
      signature: SIGNATURE,
      memoryMiB: 1024,
    });
    const limits = readFileSync(`/proc/${children()[0]}/limits`, 'utf8');
    expect(limits).toMatch(/Max data size\s+1073741824\s+1073741824/);
    await expect(predictor.predict({ x: Float32Array.of(1) }, 1)).rejects.toThrow();
    await predictor.close();
  });

  test('killed from outside: calls reject with the signal', async () => {
    const predictor = await startPredictor({ model: slowModel(2000, 50), signature: SIGNATURE });
    const call = predictor.predict({ x: Float32Array.of(1) }, 1);
    for (const pid of children()) process.kill(pid, 'SIGSEGV');
    await expect(call).rejects.toThrow('the process of the model ended by itself (SIGSEGV)');
    await predictor.close();
  });
});

test.runIf(existsSync('/proc/self/environ'))('a model finds no secret in the environment', async () => {
  process.env.ROUNDHOUSE_TEST_SECRET = 'token-of-the-job';
  const predictor = await startPredictor({ model: RELU, signature: SIGNATURE });
  try {
    const environment = readFileSync(`/proc/${children()[0]}/environ`, 'utf8');
    expect(environment).not.toContain('token-of-the-job');
  } finally {
    delete process.env.ROUNDHOUSE_TEST_SECRET;
    await predictor.close();
  }
});

test('the child ends with its parent, also when that is killed', async () => {
  const parent = fork(new URL('./predictor-parent.ts', import.meta.url).pathname, {
    execArgv: ['--import', 'tsx'],
  });
  const pid = await new Promise<number>((resolve) =>
    parent.once('message', (message) => resolve(Number(message))),
  );
  expect(existsSync(`/proc/${pid}`)).toBe(true);
  parent.kill('SIGKILL');
  await expect.poll(() => isRunning(pid), { timeout: 5000 }).toBe(false);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
