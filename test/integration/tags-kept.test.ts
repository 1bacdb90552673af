import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { type FaultyProxy, startFaultyProxy } from '../../testkit/faulty-proxy.js';
import { type StoredInstance, waitFor } from '../../testkit/orthanc.js';
import { freshState } from '../../testkit/service.js';
import { picture, useTags } from '../../testkit/tags.js';

const { real, reader, ends, service, stop, tagsOf, waitForTags, text, simplified } = await useTags();

const levels = ({ orthancId, series, study, patient }: StoredInstance) => [
  `instances/${orthancId}`,
  `series/${series}`,
  `studies/${study}`,
  `patients/${patient}`,
];
const put = (path: string, body: string | Buffer<ArrayBuffer>) =>
  fetch(`${real.orthanc.url}/${path}`, { method: 'PUT', body });

/** A decided instance, the only one of its study and patient, with data of other programs on every level. */
async function withOthersThings(seed: string): Promise<StoredInstance> {
  await service('off');
  const stored = await real.storeInstance(picture({ patientId: seed }));
  await reader().decided(stored.orthancId);
  for (const level of levels(stored)) {
    await put(`${level}/metadata/1050`, `note on ${level}`);
    await put(`${level}/attachments/1040`, `file of ${level}`);
    await reader().label(level, 'theirs');
  }
  await put(`patients/${stored.patient}/protected`, '1');
  await stop();
  return stored;
}

async function expectKept(stored: StoredInstance): Promise<void> {
  for (const level of levels(stored)) {
    expect(await text(`${level}/metadata/1050`)).toBe(`note on ${level}`);
    expect(await text(`${level}/attachments/1040/data`)).toBe(`file of ${level}`);
    const isOurs = !level.startsWith('patients');
    expect(await reader().labels(level)).toEqual(isOurs ? ['knee_ap', 'theirs'] : ['theirs']);
  }
  expect(await text(`patients/${stored.patient}/protected`)).toBe('1');
  for (const level of levels(stored).slice(1, 3))
    expect(await reader().group(level)).toMatchObject({ categories: { knee_ap: 1 }, labels: ['knee_ap'] });
}

async function between(): Promise<FaultyProxy> {
  const proxy = await startFaultyProxy(real.orthanc.url);
  ends.push(() => proxy.stop());
  return proxy;
}

describe('what Orthanc loses when a file is replaced', () => {
  test('is restored on all levels, and the new file is neither decided nor written again', async () => {
    const stored = await withOthersThings('levels');
    const received = JSON.parse(await text(`instances/${stored.orthancId}/metadata?expand`));
    const record = await reader().record(stored.orthancId);
    const of = await service('absent');
    await callApi(of, 'POST', '/sweep', { body: {} });
    const tags = await waitForTags(stored.orthancId, 'knee_ap');
    await expectKept(stored);
    expect(tags.received).toMatchObject({ ReceptionDate: received.ReceptionDate, Origin: 'RestApi' });
    expect(await reader().record(stored.orthancId)).toEqual(record);
    expect(await readdir(join(of.stateDir, 'tags'))).toEqual([]);
    // The notice of the hook and the change log for the new file have no effect.
    const last = await reader().lastChange();
    await of.notice(stored.orthancId);
    const other = await real.storeInstance(picture());
    await waitForTags(other.orthancId, 'knee_ap');
    await waitFor(async () => /why="already_decided"} [1-9]/.test(await of.metrics()));
    expect(await reader().writesSince(last, stored.orthancId)).toBe(0);
    expect(of.classifier.pictures).toHaveLength(1);
  });

  test.each(['before', 'after'] as const)(
    'is restored when the service dies %s Orthanc has stored it, and when a proxy forwards it late',
    async (moment) => {
      const stored = await withOthersThings(`cut off ${moment}`);
      const id = stored.orthancId;
      const record = await reader().record(id);
      const stateDir = await freshState(real.orthanc.url);
      ends.push(() => rm(stateDir, { recursive: true }));
      const before = await text(`instances/${id}/attachments/dicom/md5`);
      const proxy = await between();
      const late = await new Promise<() => Promise<void>>((resolve, reject) => {
        proxy.decide = ({ method, url }) => {
          if (method !== 'POST' || url !== '/instances') return 'pass';
          return async (store) => {
            if (moment === 'after') await store();
            proxy.decide = () => 'cut';
            resolve(store);
            return 'cut';
          };
        };
        service('absent', { stateDir, orthanc: proxy.url })
          .then((dying) => dying.notice(id))
          .catch(reject);
      });
      await stop();
      expect(await readdir(join(stateDir, 'tags'))).toEqual([`${id}.json`]);
      const now = await text(`instances/${id}/attachments/dicom/md5`);
      expect(now === before).toBe(moment === 'before');
      const next = await service('off', { stateDir });
      await expectKept(stored);
      expect((await tagsOf(id)) !== undefined).toBe(moment === 'after');
      await late();
      await vi.waitFor(() => expectKept(stored), { timeout: 15_000, interval: 20 });
      expect(await tagsOf(id)).toBeDefined();
      expect(await reader().record(id)).toEqual(record);
      expect(next.classifier.pictures).toHaveLength(0);
    },
  );

  test('does not include a correction that a person makes at that moment', async () => {
    await service('off');
    const stored = await real.storeInstance(picture());
    const id = stored.orthancId;
    await reader().decided(id);
    await stop();
    const when = (await reader().record(id))?.when;
    let correction: ReturnType<typeof callApi> | undefined;
    const proxy = await between();
    const of = await service('absent', { orthanc: proxy.url });
    proxy.decide = ({ method, url }) => {
      if (method !== 'POST' || url !== '/instances') return 'pass';
      return async (store) => {
        await store();
        // The instance has no metadata now, and the correction waits until it is restored.
        correction ??= callApi(of, 'PUT', `/instances/${id}/decision`, {
          body: { category: 'hand_ap', of: when },
        });
        return 'pass';
      };
    };
    await of.notice(id);
    await waitForTags(id, 'hand_ap');
    expect(await correction).toMatchObject({ status: 200 });
    expect(await reader().record(id)).toMatchObject({ who: 'person', before: { category: 'knee_ap' } });
    expect((await simplified(id)).BodyPartExamined).toBe('HAND');
    expect(await reader().labels(`studies/${stored.study}`)).toEqual(['hand_ap', 'settled_by_person']);
  });

  test('is not put at risk if it is too large to keep: the file is not changed', async () => {
    const stored = await withOthersThings('much');
    const { orthancId: id, study } = stored;
    // Together with the existing attachments, a few bytes more than 64 MB.
    for (const number of [1041, 1042])
      await put(`studies/${study}/attachments/${number}`, Buffer.alloc(2 ** 25));
    const before = await text(`instances/${id}/attachments/dicom/md5`);
    const of = await service('absent');
    await callApi(of, 'POST', '/sweep', { body: {} });
    const tags = await waitFor(() => tagsOf(id));
    expect(tags).toMatchObject({ written: {}, failure: { code: 'tags_not_written' } });
    expect(await text(`instances/${id}/attachments/dicom/md5`)).toBe(before);
    await expectKept(stored);
  });
});

test('a damaged journal affects only its own instance', async () => {
  const stateDir = await freshState(real.orthanc.url);
  const theirs = await real.storeInstance(picture({ patientId: 'damaged' }));
  await mkdir(join(stateDir, 'tags'));
  await writeFile(join(stateDir, 'tags', `${theirs.orthancId}.json`), '');
  const of = await service('off', { stateDir });
  const { orthancId } = await real.storeInstance(picture({ patientId: 'whole' }));
  await reader().decided(orthancId);
  await callApi(of, 'POST', '/sweep', { body: {} });
  await waitFor(async () => (await callApi(of, 'GET', '/sweep')).json.state === 'idle');
  expect(of.log()).toMatch(/Move the file away and keep it.*state_damaged/);
  expect(await reader().record(theirs.orthancId)).toBeUndefined();
  expect(await readdir(join(stateDir, 'tags'))).toEqual([`${theirs.orthancId}.json`]);
});
