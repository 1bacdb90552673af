import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { labelledRadiographs } from '../../../testkit/classify/pictures.js';
import { runPlainview } from '../../../testkit/cli.js';

const proportion = z.object({ count: z.number(), of: z.number() });
const figures = z.object({
  accuracy: proportion,
  rightOfLabelled: proportion,
  otherCaught: proportion,
  categories: z.array(
    z.object({ category: z.string(), n: z.number(), sensitivity: proportion, ppvWithOther: proportion }),
  ),
});
const report = z.object({ evaluations: z.tuple([z.object({ figures })]) });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evaluate-'));
});
afterAll(() => rm(folder, { recursive: true }));

const real = labelledRadiographs(120);

describe.skipIf(real.length === 0)('the embedded network on real radiographs', () => {
  it('gives the same figures as a count of the lines of `plainview label`', async () => {
    const [labels, json] = [join(folder, 'real.csv'), join(folder, 'real.json')];
    const lines = real.map(({ path, label, source }) => `${path},${label},${source}`);
    await writeFile(labels, ['file,label,site', ...lines].join('\n'));
    await runPlainview(['evaluate', labels, '--network', 'embedded', '--json', json]);
    const [evaluation] = report.parse(JSON.parse(await readFile(json, 'utf8'))).evaluations;

    const { stdout } = await runPlainview(['label', '--json', ...real.map(({ path }) => path)]);
    const predicted = stdout
      .trim()
      .split('\n')
      .map((line) => z.object({ category: z.string(), decision: z.string() }).parse(JSON.parse(line)));
    let [known, right, labelled, rightlyLabelled, others, caught] = [0, 0, 0, 0, 0, 0];
    for (const [i, { label }] of real.entries()) {
      const { category, decision } = predicted[i] ?? { category: '', decision: '' };
      const gets = decision === 'category';
      if (label === 'other') {
        others++;
        if (!gets) caught++;
        else labelled++;
        continue;
      }
      known++;
      if (category === label) right++;
      if (gets) labelled++;
      if (gets && category === label) rightlyLabelled++;
    }
    expect(evaluation.figures).toMatchObject({
      accuracy: { count: right, of: known },
      rightOfLabelled: { count: rightlyLabelled, of: labelled },
      otherCaught: { count: caught, of: others },
    });
    for (const { category, n, sensitivity, ppvWithOther } of evaluation.figures.categories) {
      const hits = real.filter(
        ({ label }, i) => label === category && predicted[i]?.category === category,
      ).length;
      expect(n).toBe(real.filter(({ label }) => label === category).length);
      expect(sensitivity).toMatchObject({ count: hits, of: n });
      expect(ppvWithOther).toMatchObject({
        count: hits,
        of: predicted.filter((one) => one.category === category).length,
      });
    }
    expect((await readdir(folder)).sort()).toEqual(['real.csv', 'real.json']);
  }, 120_000);
});
