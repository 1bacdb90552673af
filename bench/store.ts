// `npm run bench:store [-- --rounds 8 --uploads 150 --instances 100 --seed 1]`: how much the hook slows down storing,
// and the time from store to label. It uses real Orthancs on loopback, each with an empty database. Compare the
// ratios within one run: absolute figures depend on the machine.
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { asPlainviewError } from '../src/errors/errors.js';
import { seeded } from '../testkit/random.js';
import { measureLatency } from './store/latency.js';
import { latencyTables } from './store/latency-table.js';
import { makeExposure } from './store/pictures.js';
import { hangingName, measureUploads, type UploadRow } from './store/uploads.js';

/** First and longest pause of the hook after failures, seconds: see lua/plainview.lua. */
const hookPause = { first: 30, longest: 240 };

const log = (line: string) => console.error(line);
const number = (value: number, digits = 0) => value.toFixed(digits);

function uploadTable(rows: readonly UploadRow[]): void {
  console.table(
    Object.fromEntries(
      rows.map((row) => [
        row.name,
        {
          'uploads/s': number(row.perSecond),
          ratio: number(row.ratio, 3),
          'all rounds': number(row.overall),
          'their ratio': number(row.overallRatio, 3),
          'longest, ms': number(row.longestMs),
          'hook calls': row.calls ?? '–',
        },
      ]),
    ),
  );
}

/** Worst-case cost of a hanging service: uploads never stop, so every try of the hook delays one. */
function lostPerHour(row: UploadRow): string {
  const stall = (row.longestMs - row.medianMs) / 1000;
  const firstHour = { tries: 0, seconds: 0 };
  for (
    let pause = hookPause.first;
    firstHour.seconds < 3600;
    pause = Math.min(2 * pause, hookPause.longest)
  ) {
    firstHour.tries += 1;
    firstHour.seconds += stall + pause;
  }
  const later = 3600 / (hookPause.longest + stall);
  return `A hanging service costs ${number(stall, 2)} s each time the hook tries it: ${number(firstHour.tries * stall)} s in its first hour, ${number(later * stall)} s in each later one (${number((100 * later * stall) / 3600, 2)} %).`;
}

const count = z.coerce.number().int().min(0);
const option = (byDefault: number) => ({ type: 'string', default: String(byDefault) }) as const;
const { rounds, uploads, instances, seed } = z
  .object({ rounds: count, uploads: count, instances: count, seed: count })
  .parse(
    parseArgs({
      options: { rounds: option(8), uploads: option(150), instances: option(100), seed: option(1) },
    }).values,
  );

try {
  const random = seeded(seed);
  if (rounds > 0) {
    const exposure = await makeExposure({ rows: 500, columns: 400, bitsStored: 12 }, random);
    const rows = await measureUploads({ rounds, uploads, exposure, random, log });
    const size = number((2 * exposure.rows * exposure.columns) / 1000);
    console.log(
      `\nUploads by REST, one after the other: a CR of ${size} kB, ${rounds} rounds of ${uploads}, in random order`,
    );
    uploadTable(rows);
    const hanging = rows.find(({ name }) => name === hangingName);
    if (hanging) console.log(lostPerHour(hanging));
  }
  if (instances > 0) {
    const exposure = await makeExposure({ rows: 3000, columns: 2500, bitsStored: 16 }, random);
    const measured = await measureLatency({
      variants: new Map([
        ['pam', { PLAINVIEW_RENDERING: 'pam' }],
        ['png', { PLAINVIEW_RENDERING: 'png' }],
      ]),
      instances,
      exposure,
      random,
      log,
    });
    console.log(
      `\nFrom store to label, in milliseconds: a CR of 2500 × 3000 pixels of 16 bit, ${instances} instances one after the other`,
    );
    latencyTables(measured);
  }
} catch (caught) {
  console.error(asPlainviewError(caught));
  process.exitCode = 1;
}
