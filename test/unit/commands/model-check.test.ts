import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { shipped } from '../../../src/files/places.js';
import { brightnessOnnx } from '../../../testkit/classify/brightness-onnx.js';
import { runInProcess } from '../../../testkit/command-line.js';

const folder = await mkdtemp(join(tmpdir(), 'model-check-'));
afterAll(() => rm(folder, { recursive: true }));
const picture = shipped('testkit', 'golden', 'pictures', 'rgb.png');

test('plainview model check says what it understood and what the network answers', async () => {
  const network = shipped('testkit', 'onnx', 'keras.onnx');
  const { status, stdout } = await runInProcess('model', 'check', network, '--picture', picture);
  expect(stdout).toMatch(/^input +keras_tensor \[N, 32, 32, 3\] \(NHWC\)$/m);
  expect(stdout).toMatch(/^resize +squash: .*bilinear$/m);
  expect(stdout).toMatch(/^levels +0 … 255 become -1 … 1, then − mean \(0, 0, 0\), ÷ std \(1, 1, 1\)$/m);
  expect(stdout).toMatch(/^output +output_0 \[N, 4\]: softmax$/m);
  expect(stdout).toMatch(/^ {2}0\.\d{4} {2}other\n {2}0\.\d{4} {2}knee_lateral\n/m);
  expect(status).toBe(0);
});

test('it warns of what is suspicious, of each network of a cascade, and ends with 1', async () => {
  await brightnessOnnx(folder, 'views', ['knee_ap', 'our view', 'own_view'], { output: {} });
  const graph = await brightnessOnnx(
    folder,
    'parts',
    ['knee', 'hand_ap', 'other'],
    { next: { knee: 'views.onnx' } },
    1e-6,
  );
  const { status, stdout } = await runInProcess('model', 'check', graph, '--picture', picture);
  expect(stdout).toMatch(/^looks next where that one gives knee:\nnetwork +views$/m);
  for (const sentence of [
    /SUSPICIOUS: .*views\.onnx: .*softmax already/,
    /SUSPICIOUS: our view cannot be labels/,
    /SUSPICIOUS: own_view: without DICOM codes/,
  ])
    expect(stdout).toMatch(sentence);
  expect(status).toBe(1);
});
