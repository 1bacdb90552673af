import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { type GreyPicture, image, uid } from '../../testkit/dicom.js';
import { shuffled } from '../../testkit/random.js';
import { waitFor } from '../../testkit/wait-for.js';
import { withDeployment } from '../deployment.js';
import { type Scenario, sized } from '../report.js';
import { smallPictures } from '../test-instances.js';

const states = ['alone', 'beside a backlog', 'beside a hanging service'] as const;
type State = (typeof states)[number];

type Pixels = ReturnType<typeof pixelsOf>;

/** Duration of each call, milliseconds; `burst`: uploads per second. */
interface Measurements {
  paced: number[];
  systems: number[];
  views: number[];
  burst: number[];
}

const rounds = 3;
/** A CR reader that sends 500 in a minute. */
const pacedMs = 120;
const stored = z.object({ ID: z.string() });

/**
 * Measures how much Plainview slows down Orthanc: uploads at the pace of a CR reader, uploads without pauses,
 * `GET /system`, and a viewer's rendering. Each is measured without the service, while the service works on a backlog, and
 * while it hangs (SIGSTOP); in random order, in one run.
 */
export const interference: Scenario = (options) =>
  withDeployment(async ({ orthanc, newService }) => {
    const { random, log } = options;
    const [picture] = await smallPictures(1, random);
    if (picture === undefined) throw new Error('no picture');
    let made = 0;
    const makeFile = (pixels: Pixels) =>
      new Uint8Array(image({ modality: 'CR', ...pixels, sopInstanceUid: uid(`interference ${made++}`) }));
    const [large, small] = [pixelsOf(picture, 1800, 1500), pixelsOf(picture, 500, 400)];
    const post = async (body: Uint8Array<ArrayBuffer>) =>
      stored.parse(await (await fetch(`${orthanc.url}/instances`, { method: 'POST', body })).json()).ID;
    const timed = async (call: () => Promise<unknown>) => {
      const began = performance.now();
      await call();
      return performance.now() - began;
    };
    const get = async (path: string) => (await fetch(`${orthanc.url}${path}`)).arrayBuffer();
    log('storing the backlog');
    const backlog = sized(500, options);
    let one = '';
    for (let n = 0; n < backlog; n++) one = await post(makeFile(large));

    const service = await newService();
    const none = (): Measurements => ({ paced: [], systems: [], views: [], burst: [] });
    const measured: Record<State, Measurements> = {
      alone: none(),
      'beside a backlog': none(),
      'beside a hanging service': none(),
    };
    const violations: string[] = [];

    const measure = async ({ paced, systems, views, burst }: Measurements) => {
      // The files are made first, because making them would block the process that measures.
      const files = Array.from({ length: sized(450, options) }, () => makeFile(small));
      const [slowly, quickly] = [files.slice(0, files.length / 9), files.slice(files.length / 9)];
      let over = false;
      const polling = (async () => {
        for (let n = 0; !over; n++) {
          systems.push(await timed(() => get('/system')));
          if (n % 20 === 0) views.push(await timed(() => get(`/instances/${one}/rendered?width=600`)));
          await delay(20);
        }
      })();
      for (const each of slowly) {
        const took = await timed(() => post(each));
        paced.push(took);
        await delay(Math.max(0, pacedMs - took));
      }
      const took = await timed(async () => {
        for (const each of quickly) await post(each);
      });
      burst.push((quickly.length * 1000) / took);
      over = true;
      await polling;
    };
    for (let round = 0; round < rounds; round++)
      for (const state of shuffled([...states], random)) {
        log(`round ${round + 1} of ${rounds}: ${state}`);
        // A restart resets the hook, which pauses after failures.
        await orthanc.restart();
        if (state !== 'alone') {
          service.start();
          await service.ready();
          const isWorking = async () => (await service.metric('plainview_queue_jobs{state="running"}')) > 0;
          await waitFor(isWorking, { what: 'work under way', timeout: 60_000 });
        }
        if (state === 'beside a hanging service') service.freeze();
        await measure(measured[state]);
        if (
          state === 'beside a backlog' &&
          (await service.metric('plainview_queue_jobs{state="waiting"}')) === 0
        )
          violations.push('the backlog was used up before the end');
        await service.kill();
      }

    const row = ({ paced, systems, views, burst }: Measurements) => ({
      'upload p50': times(paced, 0.5, measured.alone.paced),
      'upload p95': times(paced, 0.95, measured.alone.paced),
      'GET /system p50': times(systems, 0.5, measured.alone.systems),
      'GET /system p95': times(systems, 0.95, measured.alone.systems),
      'view p50': times(views, 0.5, measured.alone.views),
      'longest, ms': Math.round(Math.max(...paced, ...systems, ...views)),
      'back to back, of alone': rounded(quantile(burst, 0.5) / quantile(measured.alone.burst, 0.5), 100),
    });
    const { paced, systems } = measured['beside a hanging service'];
    const hung = Math.max(...paced, ...systems);
    // Each hook call waits at most one second. The limit is higher for a busy machine.
    if (hung > 3000) violations.push(`Orthanc took ${Math.round(hung)} ms beside a hanging service`);
    return {
      title: `Orthanc comes first: ${backlog} pictures of 1500 × 1800 pixels wait; milliseconds, and times what it is alone`,
      rows: Object.fromEntries(states.map((state) => [state, row(measured[state])])),
      violations,
    };
  });

/** The picture scaled to this size, with 12 bits per pixel. */
function pixelsOf({ width, height, grey }: GreyPicture, rows: number, columns: number) {
  const pixels = new Uint16Array(rows * columns);
  for (let y = 0, index = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      const [row, column] = [Math.floor((y * height) / rows), Math.floor((x * width) / columns)];
      pixels[index++] = (grey[row * width + column] ?? 0) * 16;
    }
  return { rows, columns, bitsStored: 12, pixels };
}

const times = (values: number[], share: number, alone: number[]) =>
  `${rounded(quantile(values, share), 10)} (×${rounded(quantile(values, share) / quantile(alone, share), 100)})`;

const rounded = (value: number, to: number) => Math.round(value * to) / to;

function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
