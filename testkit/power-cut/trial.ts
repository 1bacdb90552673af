import { randomUUID } from 'node:crypto';
import { freePort } from '../../src/sandbox/ports.js';
import { callApi } from '../api.js';
import { image, uid } from '../dicom.js';
import { startFaultyProxy } from '../faulty-proxy.js';
import { ServiceProcess } from '../service-process.js';
import { waitFor } from '../wait-for.js';
import type { Disk } from './disk.js';

/** How often the power was cut, and which promises were broken by it. */
export interface Outcome {
  cuts: number;
  /** One sentence for each broken promise. */
  broken: string[];
}

/** @param next runs on what the power cut has left */
type Check = (next: ServiceProcess) => Promise<string[]>;

interface Site {
  disk: Disk;
  /** Address of an Orthanc that replaces files (`OverwriteInstances`). */
  orthanc: string;
}

/**
 * Corrects instances, takes the last correction back and requests a reclassification. After each answer the power is cut.
 * Then Orthanc loses the metadata, the service starts on what is left, and what was answered must stand.
 */
export async function answersStand({ disk, orthanc }: Site, count: number): Promise<Outcome> {
  const site = client(orthanc);
  const seed = randomUUID();
  const files = Array.from({ length: count }, (_, index) => picture(`${seed} ${index}`));
  const ids: string[] = [];
  for (const file of files) ids.push(await site.store(file));
  const service = await start(disk, orthanc);
  const cuts: { check: Check; file: Buffer; stateDir: string }[] = [];
  const cut = async (file: Buffer, check: Check) => {
    cuts.push({ file, check, stateDir: await disk.cut(service) });
  };
  try {
    await service.ready();
    for (const [index, id] of ids.entries()) {
      await correct(service, id, await site.decided(id));
      await cut(files[index] ?? Buffer.alloc(0), async () => {
        const { who, category } = await site.decided(id);
        return who === 'person' && category === 'hand_ap' ? [] : [`correction ${index + 1} is gone`];
      });
    }
    const [file = Buffer.alloc(0), id = ''] = [files.at(-1), ids.at(-1)];
    await undo(service, id, await site.decided(id));
    await cut(file, async () =>
      (await site.decided(id)).who === 'network' ? [] : ['a correction that was taken back is there again'],
    );
    // A job about what people corrected would be done at once.
    const selection = { ids: ids.slice(-1) };
    const job = await expectStatus(202, callApi(service, 'POST', '/requests', { body: { selection } }));
    await cut(file, async (next) => {
      const { status } = await callApi(next, 'GET', `/requests/${job.id}`);
      return status === 200 ? [] : [`the request is gone: ${status}`];
    });
    await expectStatus(202, callApi(service, 'POST', '/sweep', { body: {} }));
    await cut(file, async (next) =>
      (await waitFor(() => next.log().includes('sweep begins'), { timeout: 2000 }).catch(() => false))
        ? []
        : ['the sweep is gone'],
    );
  } finally {
    await service.discard();
  }
  const outcome: Outcome = { cuts: 0, broken: [] };
  for (const { check, file, stateDir } of cuts) {
    // Before the service starts: nothing but its state folder knows the correction then.
    await site.store(file);
    await recovered({ stateDir, orthanc }, outcome, check);
  }
  return outcome;
}

/**
 * Cuts the power when Orthanc is about to replace a file, and then replaces it. What other programs have attached to the
 * instance must be there again after the next start.
 */
export async function othersDataStands({ disk, orthanc }: Site, count: number): Promise<Outcome> {
  const site = client(orthanc);
  const proxy = await startFaultyProxy(orthanc);
  const outcome: Outcome = { cuts: 0, broken: [] };
  const service = await start(disk, proxy.url, { PLAINVIEW_TAGS: 'absent' });
  const seed = randomUUID();
  try {
    await service.ready();
    for (let index = 0; index < count; index++) {
      const id = await site.store(picture(`${seed} ${index}`));
      const { when } = await site.decided(id);
      await site.attach(id);
      const corrected = correct(service, id, { when });
      let left: string | undefined;
      proxy.decide = ({ method, url }) => {
        if (method !== 'POST' || url !== '/instances') return 'pass';
        return async (store) => {
          await corrected;
          const stateDir = await disk.cut(service);
          await store();
          // The service never gets to know: for it the power is cut here.
          await service.kill();
          left = stateDir;
          return 'cut';
        };
      };
      await corrected;
      const stateDir = await waitFor(() => left, { what: 'Orthanc to replace the file', timeout: 60_000 });
      await waitFor(async () => !(await site.isAttached(id)), { what: 'the file to be replaced' });
      proxy.decide = () => 'pass';
      await recovered({ stateDir, orthanc }, outcome, () =>
        waitFor(() => site.isAttached(id), { timeout: 5000 }).then(
          () => [],
          () => [`metadata and label of another program are gone from ${id}`],
        ),
      );
      // Only now: it knows what was not synced too, and puts all back.
      service.start();
      await service.ready();
    }
  } finally {
    await service.discard();
    await proxy.stop();
  }
  return outcome;
}

export const start = async (
  { stateDir, under }: Pick<Disk, 'stateDir' | 'under'>,
  orthanc: string,
  env: Record<string, string> = {},
): Promise<ServiceProcess> => {
  const service = new ServiceProcess({
    orthanc,
    port: await freePort(),
    secret: randomUUID(),
    stateDir,
    under,
    env: { PLAINVIEW_WORKERS: '1', PLAINVIEW_CHANGES_POLL_MS: '100', ...env },
  });
  service.start();
  return service;
};

/** Starts a service on what a power cut has left, and checks it. */
async function recovered(
  { stateDir, orthanc }: { stateDir: string; orthanc: string },
  outcome: Outcome,
  check: Check,
): Promise<void> {
  outcome.cuts++;
  const service = await start({ stateDir, under: [] }, orthanc);
  try {
    await service.ready();
    outcome.broken.push(...(await check(service)), ...service.faults());
    if (service.log().includes('damaged')) outcome.broken.push('the log tells of a damaged file');
  } finally {
    await service.discard();
  }
}

export const picture = (seed: string): Buffer =>
  image({
    patientId: seed,
    studyInstanceUid: uid(`${seed} study`),
    seriesInstanceUid: uid(`${seed} series`),
    sopInstanceUid: uid(seed),
    // Of each instance its own: a decision belongs to the pixels.
    pixels: Uint16Array.from({ length: 64 * 64 }, (_, index) => (index * seed.length + hashOf(seed)) % 4096),
    rows: 64,
    columns: 64,
  });

const hashOf = (seed: string): number => Number(BigInt(uid(seed).slice('2.25.'.length)) % 4096n);

/** @param known the decision that the person saw */
export const correct = (
  service: ServiceProcess,
  id: string,
  { when }: { when: string },
  category = 'hand_ap',
) =>
  expectStatus(200, callApi(service, 'PUT', `/instances/${id}/decision`, { body: { category, of: when } }));

export const undo = (service: ServiceProcess, id: string, { when }: { when: string }) =>
  expectStatus(200, callApi(service, 'POST', `/instances/${id}/undo`, { body: { of: when } }));

async function expectStatus(status: number, answer: ReturnType<typeof callApi>) {
  const { status: is, json } = await answer;
  if (is !== status) throw new Error(`${is} in place of ${status}: ${JSON.stringify(json)}`);
  return json;
}

/** Another program at Orthanc. */
export function client(orthanc: string) {
  const get = (path: string) => fetch(`${orthanc}/${path}`);
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  const json = async (answer: Response): Promise<any> => answer.json();
  const levels = async (id: string) => [
    `instances/${id}`,
    `studies/${(await json(await get(`instances/${id}/study`))).ID}`,
  ];
  const call = async (method: string, path: string, body?: string | Uint8Array<ArrayBuffer>) => {
    const answer = await fetch(`${orthanc}/${path}`, { method, ...(body === undefined ? {} : { body }) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
    return answer;
  };
  return {
    async store(file: Buffer): Promise<string> {
      const answer = await call('POST', 'instances', new Uint8Array(file));
      return (await json(answer)).ID;
    },
    /** Waits for the category, which is written last. @returns the record */
    decided: (id: string): Promise<{ who: string; when: string; category?: string }> =>
      waitFor(
        async () =>
          (await get(`instances/${id}/metadata/RadiographCategory`)).ok &&
          json(await get(`instances/${id}/metadata/Radiograph`)),
        { what: `a decision of ${id}`, timeout: 30_000 },
      ),
    async attach(id: string): Promise<void> {
      for (const level of await levels(id)) {
        await call('PUT', `${level}/metadata/1050`, 'theirs');
        await call('PUT', `${level}/labels/theirs`);
      }
    },
    async isAttached(id: string): Promise<boolean> {
      for (const level of await levels(id)) {
        if (!(await get(`${level}/metadata/1050`)).ok) return false;
        if (!(await get(`${level}/labels/theirs`)).ok) return false;
      }
      return true;
    },
  };
}
