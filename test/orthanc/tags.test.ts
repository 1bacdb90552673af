import { readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { checkOrthanc } from '../../src/orthanc/check.js';
import { Orthanc } from '../../src/orthanc/orthanc.js';
import { askApi } from '../support/api.js';
import { type Stub, stubClassifier } from '../support/classifier.js';
import { plainview } from '../support/cli.js';
import { type ImageOptions, image, uid } from '../support/dicom.js';
import { elementsOf } from '../support/elements.js';
import { type StoredInstance, useOrthanc, waitFor, withOrthanc } from '../support/orthanc.js';
import { head, rulesPlace } from '../support/rules.js';
import { freshState, hookPlace, Reader, startTestService, type TestService } from '../support/service.js';

const hook = await hookPlace();
const real = useOrthanc({ hook, configuration: { OverwriteInstances: true } });
const reader = () => new Reader(real.orthanc.url);
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function service(
  tags: 'off' | 'absent' | 'replace',
  {
    answer = 'knee_ap',
    ...options
  }: { answer?: string; env?: NodeJS.ProcessEnv; stateDir?: string; orthanc?: string } = {},
): Promise<TestService> {
  const classifier: Stub = stubClassifier();
  classifier.answer = async () => ({ category: answer, score: 0.99 });
  const started = await startTestService({
    orthanc: real.orthanc.url,
    hook,
    classifier,
    ...options,
    env: { PLAINVIEW_TAGS: tags, ...options.env },
  });
  ends.push(() => started.stop());
  return started;
}

interface Written {
  of: string;
  written: Record<string, { was?: unknown; now: unknown }>;
  undone?: true;
  received?: Record<string, string>;
}

const tagsOf = async (id: string): Promise<Written | undefined> => {
  const text = await reader().metadata(`instances/${id}`, 'RadiographTags');
  return text === undefined ? undefined : JSON.parse(text);
};

/** Waits until a file says what is decided, which is that category. */
const said = (id: string, category: string) =>
  waitFor(
    async () => {
      const [record, tags] = [await reader().record(id), await tagsOf(id)];
      const isSaid = record?.category === category && tags?.of === record.when;
      return (
        isSaid && (await reader().metadata(`instances/${id}`, 'RadiographCategory')) === category && tags
      );
    },
    { what: `${id} says ${category}` },
  );

const fileOf = async (id: string): Promise<Buffer> =>
  Buffer.from(await (await fetch(`${real.orthanc.url}/instances/${id}/file`)).arrayBuffer());

const simplified = async (id: string): Promise<Record<string, unknown>> =>
  (await fetch(`${real.orthanc.url}/instances/${id}/simplified-tags`)).json() as Promise<
    Record<string, unknown>
  >;

const ours = ['0008,2218', '0018,0015', '0018,5101', '0054,0220'];
/** All but what Orthanc says of itself in the file's head, which is not of the dataset. */
const dataset = (file: Buffer) =>
  new Map([...elementsOf(file)].filter(([tag]) => !tag.startsWith('0002,') || tag === '0002,0010'));
const others = (file: Buffer) => new Map([...dataset(file)].filter(([tag]) => !ours.includes(tag)));

const knee = [{ CodeValue: '72696002', CodingSchemeDesignator: 'SCT', CodeMeaning: 'Knee' }];

/** Private attributes, an empty BodyPartExamined, a ViewPosition that is not there at all. */
function picture(options: ImageOptions = {}): Buffer {
  return image({
    ...options,
    attributes: {
      '0009,0010': ['LO', 'PLAINVIEW TEST'],
      '0009,1001': ['LO', 'kept as it is'],
      '0008,103e': ['LO', 'Übersicht'],
      ...options.attributes,
    },
  });
}

describe('a file', () => {
  test('is given body part, region and view where it says none, and nothing else of it changes', async () => {
    const of = await service('absent');
    const bytes = picture();
    const { orthancId } = await real.storeInstance(bytes);
    await said(orthancId, 'knee_ap');
    expect(await simplified(orthancId)).toMatchObject({
      BodyPartExamined: 'KNEE',
      ViewPosition: 'AP',
      AnatomicRegionSequence: knee,
      ViewCodeSequence: [{ CodeValue: '399348003', CodeMeaning: 'antero-posterior' }],
    });
    expect(others(await fileOf(orthancId))).toEqual(others(bytes));
    expect(of.classifier.pictures).toHaveLength(1);
  });

  test('keeps what stands there, unless told to replace it, and the order is still compared with it', async () => {
    const hand = { attributes: { '0018,0015': ['CS', 'KNEE'], '0018,5101': ['CS', 'PA'] } } as const;
    const first = await service('absent');
    const { orthancId } = await real.storeInstance(picture(hand));
    await said(orthancId, 'knee_ap');
    expect(await simplified(orthancId)).toMatchObject({ BodyPartExamined: 'KNEE', ViewPosition: 'PA' });
    await first.stop();
    ends.pop();
    await service('replace', { answer: 'hand_ap' });
    const second = await real.storeInstance(picture(hand));
    const tags = await said(second.orthancId, 'hand_ap');
    expect(tags.written.BodyPartExamined).toEqual({ was: 'KNEE', now: 'HAND' });
    // The category gives no ViewPosition: the modality's stays.
    expect(await simplified(second.orthancId)).toMatchObject({
      BodyPartExamined: 'HAND',
      ViewPosition: 'PA',
    });
    expect((await reader().record(second.orthancId))?.order?.answer).toBe('differs');
  });

  test('is given no ViewPosition by a category that merges two', async () => {
    await service('absent', { answer: 'chest_pa_ap' });
    const { orthancId } = await real.storeInstance(picture());
    const { written } = await said(orthancId, 'chest_pa_ap');
    expect(Object.keys(written).sort()).toEqual([
      'AnatomicRegionSequence',
      'BodyPartExamined',
      'ViewCodeSequence',
    ]);
    expect((await simplified(orthancId)).ViewPosition).toBe('');
  });

  test('that is compressed keeps its transfer syntax and its code stream', async () => {
    await service('absent');
    const raw = await real.storeInstance(picture());
    await said(raw.orthancId, 'knee_ap');
    const transcoded = await fetch(`${real.orthanc.url}/instances/${raw.orthancId}/modify`, {
      method: 'POST',
      body: JSON.stringify({
        Transcode: '1.2.840.10008.1.2.4.70',
        Replace: { SOPInstanceUID: uid('lossless'), BodyPartExamined: '' },
        Remove: ['ViewPosition'],
        Force: true,
      }),
    });
    const bytes = Buffer.from(await transcoded.arrayBuffer());
    const { orthancId } = await real.storeInstance(bytes);
    await said(orthancId, 'knee_ap');
    const file = await fileOf(orthancId);
    expect((await simplified(orthancId)).ViewPosition).toBe('AP');
    expect(others(file).get('0002,0010')).toBe(others(bytes).get('0002,0010'));
    expect(others(file)).toEqual(others(bytes));
  });

  test('of an unsure picture is left alone, and what was written is taken back with the category', async () => {
    const of = await service('absent');
    const bytes = picture();
    const { orthancId } = await real.storeInstance(bytes);
    await said(orthancId, 'knee_ap');
    of.classifier.answer = async () => ({ category: 'knee_ap', score: 0.5 });
    await reader().put(`instances/${orthancId}`, 'RadiographReclassify', '{}');
    await waitFor(async () => {
      const [record, tags] = [await reader().record(orthancId), await tagsOf(orthancId)];
      return record?.decision === 'needs_review' && tags?.of === record.when;
    });
    expect(dataset(await fileOf(orthancId))).toEqual(dataset(bytes));
    const unsure = await real.storeInstance(picture());
    await reader().decided(unsure.orthancId);
    expect(await tagsOf(unsure.orthancId)).toBeUndefined();
  });

  test('follows a person’s correction, which its own former text does not call a mismatch', async () => {
    const of = await service('absent');
    const { orthancId, study } = await real.storeInstance(picture());
    const { of: when } = await said(orthancId, 'knee_ap');
    const answer = await askApi(of, 'PUT', `/instances/${orthancId}/decision`, {
      body: { category: 'hand_ap', of: when },
      role: 'reviewer',
    });
    expect(answer.status).toBe(200);
    await said(orthancId, 'hand_ap');
    expect(await simplified(orthancId)).toMatchObject({ BodyPartExamined: 'HAND' });
    expect((await simplified(orthancId)).ViewPosition).toBe('');
    expect(await reader().record(orthancId)).toMatchObject({ who: 'person', person: { who: 'alice' } });
    expect(await reader().labels(`studies/${study}`)).toEqual(['hand_ap']);
  });
});

const levels = ({ orthancId, series, study, patient }: StoredInstance) => [
  `instances/${orthancId}`,
  `series/${series}`,
  `studies/${study}`,
  `patients/${patient}`,
];
const put = (path: string, body: string) => fetch(`${real.orthanc.url}/${path}`, { method: 'PUT', body });
const text = async (path: string) => (await fetch(`${real.orthanc.url}/${path}`)).text();

/** A decided instance, alone in its study and of its patient, at which others keep something on every level. */
async function withOthersThings(seed: string): Promise<StoredInstance> {
  const plain = await service('off');
  const stored = await real.storeInstance(picture({ patientId: seed }));
  await reader().decided(stored.orthancId);
  for (const level of levels(stored)) {
    await put(`${level}/metadata/1050`, `note on ${level}`);
    await put(`${level}/attachments/1040`, `file of ${level}`);
    await reader().label(level, 'theirs');
  }
  await put(`patients/${stored.patient}/protected`, '1');
  await plain.stop();
  ends.pop();
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

const sweep = (of: TestService) => askApi(of, 'POST', '/sweep', { body: {} });

describe('what Orthanc loses when a file is stored anew', () => {
  test('stands again on all levels, and the new file is neither decided nor written again', async () => {
    const stored = await withOthersThings('levels');
    const received = JSON.parse(await text(`instances/${stored.orthancId}/metadata?expand`));
    const record = await reader().record(stored.orthancId);
    const of = await service('absent');
    await sweep(of);
    const tags = await said(stored.orthancId, 'knee_ap');
    await expectKept(stored);
    expect(tags.received).toMatchObject({ ReceptionDate: received.ReceptionDate, Origin: 'RestApi' });
    expect(await reader().record(stored.orthancId)).toEqual(record);
    expect(await readdir(join(of.stateDir, 'tags'))).toEqual([]);
    // What the hook and the change log tell of the new file comes to nothing.
    const last = await reader().lastChange();
    await of.notice(stored.orthancId);
    const other = await real.storeInstance(picture());
    await said(other.orthancId, 'knee_ap');
    await waitFor(async () => (await of.metrics()).includes('already_decided'));
    expect(await reader().writesSince(last, stored.orthancId)).toBe(0);
    expect(of.classifier.pictures).toHaveLength(1);
  });

  test.each(['before', 'after'] as const)(
    'stands again when the service dies %s Orthanc has stored it, and when a proxy hands it on late',
    async (moment) => {
      const stored = await withOthersThings(`cut off ${moment}`);
      const id = stored.orthancId;
      const record = await reader().record(id);
      const stateDir = await freshState(real.orthanc.url);
      ends.push(() => rm(stateDir, { recursive: true }));
      const before = await text(`instances/${id}/attachments/dicom/md5`);
      const between = await standingBetween(async (store, cut) => {
        if (moment === 'after') await store();
        cut();
      });
      const dying = await service('absent', { stateDir, orthanc: between.url });
      await dying.notice(id);
      const late = await between.met;
      await dying.stop();
      ends.pop();
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

  test('does not cost what a person says at that very moment', async () => {
    const plain = await service('off');
    const stored = await real.storeInstance(picture());
    const id = stored.orthancId;
    await reader().decided(id);
    await plain.stop();
    ends.pop();
    const when = (await reader().record(id))?.when;
    let correction: ReturnType<typeof askApi> | undefined;
    const between = await standingBetween(async (store) => {
      await store();
      // The instance is bare now, and the correction waits until it is not.
      correction ??= askApi(of, 'PUT', `/instances/${id}/decision`, {
        body: { category: 'hand_ap', of: when },
      });
    });
    const of = await service('absent', { orthanc: between.url });
    await of.notice(id);
    await said(id, 'hand_ap');
    expect(await correction).toMatchObject({ status: 200 });
    expect(await reader().record(id)).toMatchObject({ who: 'person', before: { category: 'knee_ap' } });
    expect((await simplified(id)).BodyPartExamined).toBe('HAND');
    expect(await reader().labels(`studies/${stored.study}`)).toEqual(['hand_ap']);
  });
});

/**
 * Hands everything on to Orthanc, and asks first where a file is to be stored: `store` does it, `cut` answers nothing
 * from then on.
 */
async function standingBetween(
  meets: (store: () => Promise<void>, cut: () => void) => Promise<void>,
): Promise<{ url: string; met: Promise<() => Promise<void>> }> {
  let isCut = false;
  let tell = (_: () => Promise<void>) => {};
  const met = new Promise<() => Promise<void>>((resolve) => {
    tell = resolve;
  });
  const server = createServer(async (incoming, outgoing) => {
    if (isCut) return void incoming.socket.destroy();
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { method = '', url } = incoming;
    const type = incoming.headers['content-type'];
    const headers = {
      ...(type === undefined ? {} : { 'content-type': type }),
      ...(incoming.headers.accept === undefined ? {} : { accept: incoming.headers.accept }),
    };
    const forward = () =>
      fetch(`${real.orthanc.url}${url}`, { method, headers, ...(body.length > 0 ? { body } : {}) });
    let answer: Response | undefined;
    const store = async () => {
      answer = await forward();
    };
    if (method === 'POST' && url === '/instances') {
      await meets(store, () => {
        isCut = true;
      });
      tell(store);
      if (isCut) return void incoming.socket.destroy();
    }
    answer ??= await forward();
    outgoing.writeHead(answer.status, {
      'content-type': answer.headers.get('content-type') ?? 'application/octet-stream',
    });
    outgoing.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, met };
}

describe('undo', () => {
  const env = (of: TestService) => ({
    PLAINVIEW_ORTHANC_URL: real.orthanc.url,
    PLAINVIEW_SECRET: of.secret,
    PLAINVIEW_PORT: String(hook.port),
  });

  test('gives the files back what stood there, once, until they are decided anew', async () => {
    const of = await service('absent');
    const bytes = picture();
    const first = await real.storeInstance(bytes);
    await said(first.orthancId, 'knee_ap');
    const dry = plainview(['tags', 'undo', first.study, '--dry-run'], env(of));
    expect(await dry.ended).toBe(0);
    expect(dry.out()).toContain(first.orthancId);
    const undo = plainview(['tags', 'undo', first.study], env(of));
    expect(await undo.ended).toBe(0);
    expect(undo.out()).toContain('1 given back');
    expect(dataset(await fileOf(first.orthancId))).toEqual(dataset(bytes));
    const tags = await tagsOf(first.orthancId);
    expect(tags).toMatchObject({ undone: true, written: {} });
    // Not written again until it is decided anew.
    await of.notice(first.orthancId);
    const second = await real.storeInstance(picture());
    await said(second.orthancId, 'knee_ap');
    expect(await tagsOf(first.orthancId)).toEqual(tags);
    await reader().put(`instances/${first.orthancId}`, 'RadiographReclassify', '{}');
    await waitFor(async () => (await simplified(first.orthancId)).BodyPartExamined === 'KNEE');
  });

  test('works while nothing more is written, and says when there is nothing to undo', async () => {
    const of = await service('off');
    const { orthancId } = await real.storeInstance(picture());
    await reader().decided(orthancId);
    const answer = await askApi(of, 'POST', '/tags/undo', { body: { instances: [orthancId] } });
    expect(answer).toMatchObject({ status: 200, json: { undone: [], left: [{ instance: orthancId }] } });
    expect(
      (await askApi(of, 'POST', '/tags/undo', { body: { instances: [orthancId] }, role: 'reviewer' })).status,
    ).toBe(403);
  });
});

test('a study of twelve that come at once is written once each, and adds up in the end', async () => {
  const of = await service('absent', { env: { PLAINVIEW_REPORT: 'study' } });
  const studyInstanceUid = uid('twelve');
  const stored = await Promise.all(
    Array.from({ length: 12 }, (_, at) =>
      real.storeInstance(picture({ studyInstanceUid, seriesInstanceUid: uid(`of twelve ${at % 3}`) })),
    ),
  );
  const study = stored[0]?.study ?? '';
  const ids = stored.map(({ orthancId }) => orthancId);
  for (const id of ids) await said(id, 'knee_ap');
  await vi.waitFor(
    async () => {
      expect(await reader().group(`studies/${study}`)).toMatchObject({ categories: { knee_ap: 12 } });
      for (const id of ids) {
        const { of: reported } = JSON.parse(
          (await reader().metadata(`instances/${id}`, 'RadiographResult')) ?? '{}',
        );
        expect(reported).toBe((await reader().record(id))?.when);
      }
    },
    { timeout: 30_000, interval: 50 },
  );
  expect(await reader().labels(`studies/${study}`)).toEqual(['knee_ap']);
  expect(of.classifier.pictures).toHaveLength(12);
  // Nothing goes on behind it.
  const last = await reader().lastChange();
  for (const id of ids) await of.notice(id);
  const other = await real.storeInstance(picture());
  await said(other.orthancId, 'knee_ap');
  const answer = await fetch(`${real.orthanc.url}/changes?since=${last}&limit=1000`);
  const { Changes } = (await answer.json()) as { Changes: { ID: string }[] };
  expect(Changes.filter(({ ID }) => ids.includes(ID))).toEqual([]);
});

test('reports are made beside it, of the file as it is now', async () => {
  await service('absent', { env: { PLAINVIEW_REPORT: 'instance' } });
  const { orthancId, study } = await real.storeInstance(picture());
  await said(orthancId, 'knee_ap');
  await waitFor(async () => JSON.parse(await text(`studies/${study}/statistics`)).CountInstances === 2);
  expect(await reader().metadata(`instances/${orthancId}`, 'RadiographTags')).toBeDefined();
});

test('rules go by when the file first came, and see what is written', async () => {
  const plain = await service('off');
  const before = await real.storeInstance(picture());
  await reader().decided(before.orthancId);
  await plain.stop();
  ends.pop();
  // Orthanc tells the time in whole seconds.
  const since = Math.ceil(Date.now() / 1000) * 1000 + 1000;
  await waitFor(() => Date.now() >= since);
  const place = await rulesPlace();
  ends.push(() => place.discard());
  const rule = { name: 'all', when: { tags: { BodyPartExamined: 'KNEE' } }, do: { label: 'seen' } };
  await place.write({ ...head, since: new Date(since).toISOString(), rules: [rule] });
  const of = await service('absent', { env: { PLAINVIEW_RULES_FILE: place.file } });
  await sweep(of);
  await said(before.orthancId, 'knee_ap');
  const after = await real.storeInstance(picture());
  await waitFor(async () => (await reader().labels(`instances/${after.orthancId}`)).includes('seen'));
  await of.notice(before.orthancId);
  await waitFor(async () => (await of.metrics()).includes('already_decided'));
  expect(await reader().metadata(`instances/${before.orthancId}`, 'RadiographRoutes')).toBeUndefined();
});

test('the service does not start where Orthanc would not replace files, and says which line mends it', async () => {
  await withOrthanc({}, async ({ url }) => {
    const config = loadConfig({ PLAINVIEW_ORTHANC_URL: url, PLAINVIEW_TAGS: 'absent' });
    const orthanc = new Orthanc(config);
    await expect(checkOrthanc(orthanc, config)).rejects.toThrow('"OverwriteInstances": true');
    await expect(checkOrthanc(orthanc, { tags: 'off' })).resolves.toMatch(/^\d/);
    orthanc.close();
  });
});
