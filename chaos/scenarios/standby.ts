import { callApi } from '../../testkit/api.js';
import { startPostgresql } from '../../testkit/postgresql.js';
import { Reader } from '../../testkit/service.js';
import type { ServiceProcess } from '../../testkit/service-process.js';
import { waitFor, waitForZero } from '../../testkit/wait-for.js';
import { audit, countUndecided } from '../audit.js';
import { withDeployment } from '../deployment.js';
import { type Scenario, sized } from '../report.js';
import { smallPictures, testInstances } from '../test-instances.js';
import { Uploader } from '../uploader.js';

const perDeath = 10;

/** Two services on one database: the one that works is killed or suspended, again and again, while people correct. */
export const standby: Scenario = async (options) => {
  const title = 'The service that works ends, and a standby takes over';
  const postgresql = await startPostgresql();
  if (postgresql === undefined)
    return { title: `${title}: left out, PostgreSQL is not installed`, rows: {}, violations: [] };
  const { random, log } = options;
  const deaths = sized(20, options);
  const database = `chaos_${process.pid}`;
  try {
    await postgresql.pool.query(`CREATE DATABASE ${database}`);
    return await withDeployment(async ({ orthanc, newService }) => {
      const reader = new Reader(orthanc.url);
      const items = testInstances('standby', deaths * perDeath, await smallPictures(12, random), random);
      const uploader = new Uploader(orthanc.url);
      const env = { PLAINVIEW_DATABASE_URL: postgresql.url(database), PLAINVIEW_WORKERS: '1' };
      const processes = [await newService({ env }), await newService({ env })];
      const [first, second] = processes as [ServiceProcess, ServiceProcess];
      first.start();
      await first.ready();
      second.start();
      let pair = { working: first, waiting: second };
      const spoken = new Map<string, string>();
      /** Nobody was told whether their correction stands. */
      const doubtful = new Set<string>();
      const ms: number[] = [];
      let suspended = 0;
      for (let death = 0; death < deaths; death++) {
        const { working, waiting } = pair;
        await waitFor(() => standsBy(waiting), { what: 'the standby', timeout: 60_000 });
        const before = [...uploader.stored.keys()];
        const category = death % 2 === 0 ? 'wrist_ap' : 'pelvis_ap';
        const correct = async (id: string | undefined) => {
          const when = id === undefined ? undefined : (await reader.record(id))?.when;
          if (id === undefined || when === undefined) return;
          const body = { category, of: when };
          const answer = await callApi(working, 'PUT', `/instances/${id}/decision`, { body }).catch(
            () => undefined,
          );
          if (answer?.status === 200) spoken.set(id, category);
          else doubtful.add(id);
        };
        // One is answered before the death, another meets it.
        const [one, another] = before.filter((id) => !spoken.has(id) && !doubtful.has(id));
        await correct(one);
        const correcting = correct(another);
        const isSuspended = random() < 0.3;
        if (isSuspended) working.freeze();
        else await working.kill();
        const died = performance.now();
        await uploader.send(items.slice(death * perDeath, (death + 1) * perDeath));
        const fresh = new Map([...uploader.stored].filter(([id]) => !before.includes(id)));
        await waitFor(async () => (await countUndecided(orthanc.url, fresh)) < radiographs(fresh), {
          what: 'the first decision after a death',
          timeout: 120_000,
          everyMs: 50,
        });
        ms.push(performance.now() - died);
        if (isSuspended) {
          suspended++;
          working.thaw();
          await waitFor(() => working.hasEnded(), { what: 'the end of the suspended one', timeout: 60_000 });
        }
        await correcting;
        working.start();
        pair = { working: waiting, waiting: working };
        log(`death ${death + 1} of ${deaths}: the first decision after ${Math.round(ms.at(-1) ?? 0)} ms`);
      }
      const undecided = await waitForZero(() => countUndecided(orthanc.url, uploader.stored));
      const faults = processes.flatMap((service) => service.faults());
      for (const service of processes) await service.stop();
      const lost: string[] = [];
      for (const [id, category] of spoken) {
        const record = await reader.record(id);
        if (record?.who !== 'person' || record.category !== category)
          lost.push(`the correction of ${id} to ${category}, answered with 200, is lost`);
      }
      const found = await audit(orthanc.url, { instances: uploader.stored });
      ms.sort((a, b) => a - b);
      const at = (share: number) =>
        Math.round(ms[Math.min(ms.length - 1, Math.floor(share * ms.length))] ?? 0);
      return {
        title,
        rows: {
          deaths: { value: deaths },
          'of these, suspended': { value: suspended },
          instances: { value: uploader.stored.size },
          'corrections answered with 200': { value: spoken.size },
          'undecided at the end': { value: undecided },
          'ms from a death to the next decision, median': { value: at(0.5) },
          'ms from a death to the next decision, 95 %': { value: at(0.95) },
        },
        violations: [...lost, ...found.violations, ...faults],
      };
    });
  } finally {
    await postgresql.stop();
  }
};

const radiographs = (instances: ReadonlyMap<string, { expected: string }>): number =>
  [...instances.values()].filter(({ expected }) => expected !== 'untouched').length;

async function standsBy({ url }: ServiceProcess): Promise<boolean> {
  const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
  return answer?.status === 503 && ((await answer.json()) as { standby?: boolean }).standby === true;
}
