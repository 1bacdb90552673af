// `npm run bench:study [-- --sizes 100,500,1000,2500 --report off --rules false]`: instances decided per second while
// one study grows. It uses a real Orthanc on loopback. Compare the ratios within one run.
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startOrthanc } from '../src/sandbox/orthanc.js';
import { stubClassifier } from '../testkit/classifier.js';
import { image, uid } from '../testkit/dicom.js';
import { storeInstance } from '../testkit/orthanc.js';
import { head, rulesFolder } from '../testkit/rules.js';
import { Reader, startTestService } from '../testkit/service.js';
import { waitFor } from '../testkit/wait-for.js';

const { sizes, report, rules } = z
  .object({
    sizes: z
      .string()
      .transform((text) => text.split(',').map(Number))
      .pipe(z.array(z.number().int().positive()).nonempty()),
    report: z.enum(['off', 'instance', 'study']),
    rules: z.boolean(),
  })
  .parse(
    parseArgs({
      options: {
        sizes: { type: 'string', default: '100,500,1000,2500' },
        report: { type: 'string', default: 'off' },
        rules: { type: 'boolean', default: false },
      },
    }).values,
  );

/** Instances in one study, of which four fifths are in one series. */
const file = (n: number) =>
  image({
    rows: 8,
    columns: 8,
    studyInstanceUid: uid('large study'),
    seriesInstanceUid: uid(`large study ${n % 5 === 0 ? 1 : 0}`),
    sopInstanceUid: uid(`large study ${n} instance`),
  });

const orthanc = await startOrthanc({});
const folder = await rulesFolder();
const rulesFile = await folder.write({
  ...head,
  rules: [{ name: 'knees', do: { label: 'knees' } }],
});
const service = await startTestService({
  orthanc: orthanc.url,
  classifier: stubClassifier(),
  env: {
    PLAINVIEW_BACKLOG_CONCURRENCY: '4',
    PLAINVIEW_LOG_LEVEL: 'warn',
    PLAINVIEW_REPORT: report,
    ...(rules ? { PLAINVIEW_RULES_FILE: rulesFile } : {}),
  },
});
const reader = new Reader(orthanc.url);
const table: Record<string, Record<string, number>> = {};
try {
  let stored = 0;
  for (const size of sizes) {
    const from = stored;
    let study = '';
    const began = performance.now();
    for (; stored < size; stored++) study = (await storeInstance(orthanc.url, file(stored))).study;
    const isDone = async () => {
      const counts = (await reader.group(`studies/${study}`))?.decisions ?? {};
      return Object.values(counts).reduce((sum, count) => sum + count, 0) === size;
    };
    await waitFor(isDone, { what: `${size} decided`, timeout: 3_600_000, everyMs: 100 });
    table[`${from} to ${size}`] = {
      'a second': Math.round(((size - from) * 10_000) / (performance.now() - began)) / 10,
    };
    console.error(table);
  }
} finally {
  await service.stop();
  await folder.discard();
  await orthanc.discard();
}
console.table(table);
