import { setTimeout as delay } from 'node:timers/promises';
import { shuffled } from '../../bench/random.js';
import { radiograph, uid } from '../../test/support/dicom.js';
import { type Scenario, sized } from '../report.js';
import { onStage } from '../stage.js';
import { smallPictures } from '../stock.js';
import { until } from '../until.js';

type State = 'alone' | 'beside a backlog' | 'beside a hanging service';

const rounds = 3;

/** What uploads and `GET /system` feel of Plainview: alone, beside a backlog of large films, beside SIGSTOP. */
export const first: Scenario = (terms) =>
  onStage(async ({ orthanc, newService }) => {
    const { random, say } = terms;
    const [picture] = await smallPictures(1, random);
    if (picture === undefined) throw new Error('no picture');
    let made = 0;
    const film = (rows: number, columns: number) =>
      new Uint8Array(
        radiograph(picture, { modality: 'CR', rows, columns, sopInstanceUid: uid(`first ${made++}`) }),
      );
    const post = async (body: Uint8Array<ArrayBuffer>) => {
      const began = performance.now();
      await (await fetch(`${orthanc.url}/instances`, { method: 'POST', body })).arrayBuffer();
      return performance.now() - began;
    };
    say('storing the backlog');
    const backlog = sized(300, terms);
    for (let n = 0; n < backlog; n++) await post(film(1800, 1500));

    const service = await newService();
    const seen: Record<State, { uploads: number[]; systems: number[]; seconds: number }> = {
      alone: { uploads: [], systems: [], seconds: 0 },
      'beside a backlog': { uploads: [], systems: [], seconds: 0 },
      'beside a hanging service': { uploads: [], systems: [], seconds: 0 },
    };
    const measure = async (state: State) => {
      const { uploads, systems } = seen[state];
      // Made beforehand: making them would hold up the very process that takes the times.
      const films = Array.from({ length: sized(100, terms) }, () => film(500, 400));
      let over = false;
      const asking = (async () => {
        while (!over) {
          const began = performance.now();
          await (await fetch(`${orthanc.url}/system`)).arrayBuffer();
          systems.push(performance.now() - began);
          await delay(10);
        }
      })();
      const began = performance.now();
      for (const each of films) uploads.push(await post(each));
      seen[state].seconds += (performance.now() - began) / 1000;
      over = true;
      await asking;
    };
    for (let round = 0; round < rounds; round++)
      for (const state of shuffled(Object.keys(seen) as State[], random)) {
        say(`round ${round + 1} of ${rounds}: ${state}`);
        if (state !== 'alone') {
          service.start();
          await service.ready();
          // The backlog is under way: the cursor stands still until its first thousand is settled.
          await until(
            'work is under way',
            async () => (await service.metric('plainview_queue_jobs{state="running"}')) > 0,
          );
        }
        if (state === 'beside a hanging service') service.freeze();
        await measure(state);
        await service.kill();
      }
    const row = ({ uploads, systems, seconds }: (typeof seen)[State]) => ({
      'uploads/s': round1(uploads.length / seconds),
      'of alone': round1(uploads.length / seconds / (seen.alone.uploads.length / seen.alone.seconds), 100),
      'GET /system p50, ms': round1(quantile(systems, 0.5)),
      'p95, ms': round1(quantile(systems, 0.95)),
      'p95 to alone': round1(quantile(systems, 0.95) / quantile(seen.alone.systems, 0.95)),
      'longest, ms': Math.round(Math.max(...systems)),
    });
    const hung = Math.max(...seen['beside a hanging service'].systems);
    return {
      title: `Orthanc comes first: ${backlog} films of 1500 × 1800 pixels wait, ${seen.alone.uploads.length} uploads each`,
      rows: Object.fromEntries(Object.entries(seen).map(([state, numbers]) => [state, row(numbers)])),
      // Each hook call waits one second at most; some room for a busy machine.
      violations: hung > 3000 ? [`GET /system took ${Math.round(hung)} ms beside a hanging service`] : [],
    };
  });

const round1 = (value: number, to = 10) => Math.round(value * to) / to;

function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
