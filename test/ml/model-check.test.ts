import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { checkedModel } from '#lib/ml/model-check.ts';
import { decodeModel, encodeModel, graphOf, modelOf, node } from './models.ts';

const RELU = node('Relu', ['x'], 'prediction');
const inner = graphOf([RELU]);
const external = {
  name: 'w',
  dataType: 1,
  dims: [1],
  dataLocation: 1,
  externalData: [{ key: 'location', value: '/etc/passwd' }],
};

describe('refused by structure', () => {
  test.each([
    [
      'a loop',
      modelOf([node('Loop', ['x'], 'prediction', [{ name: 'body', type: 5, g: inner }])]),
      /Loop holds a graph/,
    ],
    [
      'a branch by any name',
      modelOf([node('Relu', ['x'], 'prediction', [{ name: 'f', type: 10, graphs: [inner] }])]),
      /Relu holds a graph/,
    ],
    ['a function', modelOf([RELU], { functions: [{ name: 'f', node: [RELU] }] }), /defines functions/],
    ['a training graph', modelOf([RELU], { trainingInfo: [{ algorithm: inner }] }), /training graphs/],
    [
      'an unknown domain',
      modelOf([RELU], { opsetImport: [{ domain: 'evil.example', version: 1 }] }),
      /unknown operator domain "evil.example"/,
    ],
    [
      'an operator of an unknown domain',
      modelOf([{ ...RELU, domain: 'com.microsoft' }]),
      /Relu is of the unknown domain "com.microsoft"/,
    ],
    ['no operator set', modelOf([RELU], { opsetImport: [] }), /no operator set/],
    ['no nodes', modelOf([]), /no nodes/],
    ['too many nodes', modelOf(Array.from({ length: 10_001 }, () => RELU)), /10001 nodes; at most 10000/],
    [
      'weights in another file',
      modelOf([RELU], { graph: graphOf([RELU], { initializer: [external] }) }),
      /"w" keeps its data in another file/,
    ],
    [
      'a constant in another file',
      modelOf([node('Constant', [], 'prediction', [{ name: 'value', type: 4, t: external }])]),
      /another file/,
    ],
    [
      'sparse weights',
      modelOf([RELU], { graph: graphOf([RELU], { sparseInitializer: [{ dims: [1] }] }) }),
      /sparse/,
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => checkedModel(bytes)).toThrow(message);
  });
});

describe('refused by content, whatever the file is called', () => {
  test.each([
    ['pickle', Buffer.from('\x80\x04\x95\x10\x00', 'latin1'), /Python pickle/],
    ['zip', Buffer.concat([Buffer.from('PK\x03\x04'), deflateRawSync('data.pkl')]), /ZIP archive/],
    ['hdf5', Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'), /HDF5/],
    ['gguf', Buffer.from('GGUF\x03'), /GGUF/],
    ['safetensors', Buffer.from('\x40\x00\x00\x00\x00\x00\x00\x00{"w":', 'latin1'), /safetensors/],
    ['json', Buffer.from('{"weights": []}'), /JSON/],
    ['script', Buffer.from('#!/bin/sh\nrm -rf /'), /script/],
    ['nothing', Buffer.alloc(0), /it is empty/],
    ['gzip', gzipSync(modelOf([RELU])), /compressed \(gzip\)/],
    ['image', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), /an image/],
    ['page', Buffer.from('<!DOCTYPE html>'), /a web page/],
    ['pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\n'), /pointer of Git LFS/],
    ['noise', Buffer.from('ffffffffffffffffff', 'hex'), /not ONNX/],
  ])('%s', (_, bytes, message) => {
    expect(() => checkedModel(bytes)).toThrow(message);
    expect(() => checkedModel(bytes)).toThrow(UserError);
  });

  test('graphs nested deeper than any stack', () => {
    // Field 7 (graph) of the model, field 1 (node), 5 (attribute), 6 (g) and again, each wrapping the former.
    let bytes: Buffer = Buffer.alloc(0);
    for (let depth = 0; depth < 5_000; depth++) {
      for (const field of [6, 5, 1]) bytes = wrapped(field, bytes);
    }
    expect(() => checkedModel(wrapped(7, bytes))).toThrow(/model is refused/);
  });
});

test('what one parser replaces and another merges is loaded as it was checked', () => {
  const harmless = encodeModel({
    opsetImport: [{ domain: '', version: 17 }],
    irVersion: 8,
    graph: graphOf([RELU]),
  });
  const loop = node('Loop', ['x'], 'y', [{ name: 'body', type: 5, g: inner }]);
  const twice = Buffer.concat([encodeModel({ graph: { node: [loop] } }), harmless]);
  const loaded = decodeModel(checkedModel(twice));
  expect(loaded.graph?.node?.map(({ opType }) => opType)).toEqual(['Relu']);
  // And the bytes hold that graph alone: no trace for a parser that merges.
  expect(Buffer.from(checkedModel(twice)).includes('Loop')).toBe(false);
});

test('an ordinary model passes and keeps its meaning', () => {
  const bytes = modelOf([RELU]);
  expect(decodeModel(checkedModel(bytes))).toEqual(decodeModel(bytes));
});

function wrapped(field: number, content: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = content.length; ; rest >>>= 7) {
    if (rest < 0x80) {
      length.push(rest);
      break;
    }
    length.push((rest & 0x7f) | 0x80);
  }
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...length]), content]);
}
