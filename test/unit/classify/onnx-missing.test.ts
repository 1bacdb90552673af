import { expect, it, vi } from 'vitest';
import { loadNetwork } from '../../../src/classify/network.js';
import { startNetwork } from '../../../src/classify/workers/running.js';
import { shipped } from '../../../src/files/places.js';

vi.mock('onnxruntime-node', () => {
  throw new Error("Cannot find package 'onnxruntime-node'");
});

it('without onnxruntime an ONNX network is refused, and the message says how to install it', async () => {
  const { model } = await loadNetwork({ graph: shipped('testkit', 'onnx', 'keras.onnx') });
  await expect(startNetwork(model, 'auto')).rejects.toMatchObject({
    code: 'engine_unavailable',
    message: expect.stringMatching(/`npm install onnxruntime-node`/),
  });
});
