import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toOnnx } from '../../src/classify/graph/onnx.js';
import { scoresName } from '../../src/classify/graph/ports.js';

/**
 * Writes an ONNX network that looks at the mean level of a picture alone: the first category for bright ones, the second
 * for dark ones, and the third for those in between.
 * @param description fields beside `categories`
 * @returns its path
 */
export async function brightnessOnnx(
  folder: string,
  name: string,
  categories: readonly [string, string, string],
  { output, ...description }: { output?: object; [field: string]: unknown } = {},
  weight = 4,
): Promise<string> {
  const graph = join(folder, `${name}.onnx`);
  const outputs = 3;
  const { file } = toOnnx({
    input: { height: 8, width: 8, channels: 3 },
    features: [],
    head: [
      {
        inputs: 3,
        outputs,
        weights: Float32Array.from({ length: 3 * outputs }, (_, i) => [weight, -weight, 0][i % outputs] ?? 0),
        bias: Float32Array.of(0, 0, 2),
        activation: 'linear',
      },
    ],
    classes: outputs,
  });
  await writeFile(graph, file);
  await writeFile(
    join(folder, `${name}.json`),
    JSON.stringify({
      input: { size: 8, range: [-1, 1], resize: 'squash' },
      output: { name: scoresName, ...(output ?? { values: 'softmax' }) },
      categories,
      ...description,
    }),
  );
  return graph;
}
