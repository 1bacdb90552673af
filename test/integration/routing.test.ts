import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { studyRuleApplied } from '../../src/contract/webhooks.js';
import { instanceRoutes, type Route } from '../../src/followups/routing/routes-record.js';
import type { SandboxOrthanc } from '../../src/sandbox/orthanc.js';
import { startOrthanc } from '../../src/sandbox/orthanc.js';
import { freePort } from '../../src/sandbox/ports.js';
import { callApi } from '../../testkit/api.js';
import { type Stub, stubClassifier } from '../../testkit/classifier.js';
import { image, uid } from '../../testkit/dicom.js';
import { Listener } from '../../testkit/listener.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { head, type RulesFolder, rulesFolder } from '../../testkit/rules.js';
import { hookAddress, Reader, startTestService, type TestService } from '../../testkit/service.js';
import { fetchSigned } from '../../testkit/signed.js';

const hook = await hookAddress();
const [partnerPort, dicomPort] = [await freePort(), await freePort()];
const partnerUrl = `http://127.0.0.1:${partnerPort}`;
const real = useOrthanc({
  hook,
  plugins: ['dicomweb'],
  configuration: {
    DicomAet: 'HERE',
    StableAge: 1,
    OrthancPeers: { partner: [partnerUrl], nobody: ['http://127.0.0.1:9'] },
    DicomModalities: { PARTNER: ['PARTNER', '127.0.0.1', dicomPort], NOBODY: ['NOBODY', '127.0.0.1', 9] },
    DicomWeb: { Servers: { partner: [`${partnerUrl}/dicom-web/`], nobody: ['http://127.0.0.1:9/'] } },
  },
});
let partner: SandboxOrthanc;
let place: RulesFolder;
const listener = new Listener();
const running: TestService[] = [];

beforeAll(async () => {
  partner = await startOrthanc({
    port: partnerPort,
    plugins: ['dicomweb'],
    configuration: { DicomServerEnabled: true, DicomPort: dicomPort, DicomAet: 'PARTNER' },
  });
  place = await rulesFolder();
  await listener.listen();
});
afterAll(async () => {
  await partner?.discard();
  await place?.discard();
  await listener.close();
});
afterEach(async () => {
  for (const started of running.splice(0)) await started.stop();
  listener.requests.splice(0);
  listener.answer = { status: 202, body: '' };
  await Promise.all(
    ((await (await fetch(`${partner.url}/instances`)).json()) as string[]).map((id) =>
      fetch(`${partner.url}/instances/${id}`, { method: 'DELETE' }),
    ),
  );
});

async function service(
  rules: object[],
  options: { over?: object; env?: NodeJS.ProcessEnv; classifier?: Stub; stateDir?: string } = {},
): Promise<TestService> {
  const webhooks = { hook: { url: listener.url, secretFile: 'hook.secret' } };
  const file = await place.write({ ...head, webhooks, rules, ...options.over });
  const started = await startTestService({
    orthanc: real.orthanc.url,
    hook,
    classifier: options.classifier ?? stubClassifier(),
    env: { PLAINVIEW_RULES_FILE: file, ...options.env },
    ...(options.stateDir === undefined ? {} : { stateDir: options.stateDir }),
  });
  running.push(started);
  return started;
}

const reader = () => new Reader(real.orthanc.url);

async function routesOf(id: string): Promise<Route[]> {
  const text = await reader().metadata(`instances/${id}`, 'RadiographRoutes');
  return text === undefined ? [] : instanceRoutes.parse(JSON.parse(text)).routes;
}

/** Waits until nothing waits to be sent. @returns the results */
async function ended(id: string): Promise<Route[]> {
  return waitFor(
    async () => {
      const text = await reader().metadata(`instances/${id}`, 'RadiographRoutes');
      if (text === undefined) return false;
      const { of, routes } = instanceRoutes.parse(JSON.parse(text));
      return of !== undefined && routes.every(({ state }) => state !== 'pending') && routes;
    },
    { what: `the end of the routes of ${id}`, timeout: 30_000 },
  );
}

const has = async (orthanc: SandboxOrthanc, id: string) =>
  (await fetch(`${orthanc.url}/instances/${id}`)).status === 200;

describe('what a rule sends', () => {
  test('arrives at a peer, a modality and a DICOMweb server, and is recorded', async () => {
    await service([
      { name: 'knees', when: { category: 'knee_*' }, do: { peer: 'partner' } },
      { name: 'stations', when: { station: 'ROOM?' }, do: { modality: 'PARTNER' } },
      { name: 'sure', when: { score: { from: 0.95 } }, do: { dicomweb: 'partner' } },
      { name: 'hands', when: { category: 'hand_ap' }, do: { peer: 'nobody' } },
    ]);
    const { orthancId } = await real.storeInstance(image({ attributes: { '0008,1010': ['SH', 'Room3'] } }));
    expect(await ended(orthancId)).toMatchObject([
      { to: 'peer:partner', rule: 'knees', state: 'sent', decision: 'category', category: 'knee_lateral' },
      { to: 'modality:PARTNER', rule: 'stations', state: 'sent' },
      { to: 'dicomweb:partner', rule: 'sure', state: 'sent' },
    ]);
    expect(await has(partner, orthancId)).toBe(true);
    expect(await reader().labels(`instances/${orthancId}`)).toEqual(['knee_lateral']);
  });

  test.each(['peer', 'modality', 'dicomweb'])('arrives by each way as it is: %s', async (kind) => {
    const name = kind === 'modality' ? 'PARTNER' : 'partner';
    await service([{ name: 'all', do: { [kind]: name } }]);
    const bytes = image();
    const { orthancId } = await real.storeInstance(bytes);
    expect(await ended(orthancId)).toMatchObject([{ to: `${kind}:${name}`, state: 'sent' }]);
    const file = await fetch(`${partner.url}/instances/${orthancId}/file`);
    const arrived = Buffer.from(await file.arrayBuffer());
    // After C-STORE the receiver writes the meta information before the dataset itself.
    const dataset = bytes.subarray(bytes.indexOf(Buffer.from([0x08, 0, 0x05, 0])));
    expect(arrived.subarray(-dataset.length).equals(dataset)).toBe(true);
  });

  test('a webhook gets it with a signature that the standard’s own library accepts', async () => {
    await service([{ name: 'tell', do: { webhook: 'hook' } }]);
    const studyInstanceUid = uid('told');
    const { orthancId, study } = await real.storeInstance(
      image({ studyInstanceUid, patientName: 'SECRET^NAME', patientId: 'SECRET' }),
    );
    await ended(orthancId);
    expect(listener.requests).toHaveLength(1);
    const { headers, body } = listener.requests[0] ?? { headers: {}, body: '' };
    const verified = new Webhook(place.secret).verify(body, headers as Record<string, string>);
    expect(verified).toMatchObject({
      type: 'radiograph.decided',
      data: { rule: 'tell', instance: orthancId, study, studyInstanceUid, category: 'knee_lateral' },
    });
    expect(body).not.toContain('SECRET');
    expect(() =>
      new Webhook(place.secret).verify(body.replace('knee', 'hand'), headers as Record<string, string>),
    ).toThrow();
  });

  test('may also be what could not be classified, and what a person has corrected', async () => {
    const { url, secret } = await service([
      { name: 'failures', when: { decision: 'failed' }, do: { webhook: 'hook', stop: true } },
      { name: 'people', when: { who: 'person', category: 'hand_ap' }, do: { label: 'corrected' } },
    ]);
    const broken = await real.storeInstance(image({ truncateBy: 100 }));
    expect(await ended(broken.orthancId)).toMatchObject([{ rule: 'failures', state: 'sent' }]);
    const { orthancId } = await real.storeInstance(image());
    await reader().decided(orthancId);
    const of = (await reader().record(orthancId))?.when;
    const answer = await fetchSigned(secret, `${url}/api/v1/instances/${orthancId}/decision`, {
      method: 'PUT',
      body: JSON.stringify({ of, category: 'hand_ap' }),
    });
    expect(answer.status, await answer.text()).toBe(200);
    await waitFor(async () => (await reader().labels(`instances/${orthancId}`)).includes('corrected'));
  });

  test('is not sent if a previous rule has stopped', async () => {
    await service([
      { name: 'phantoms', when: { tags: { PatientID: 'QA-*' } }, do: { stop: true } },
      { name: 'all', do: { peer: 'partner' } },
    ]);
    const { orthancId } = await real.storeInstance(image({ patientId: 'QA-7' }));
    expect(await ended(orthancId)).toEqual([]);
    expect(await has(partner, orthancId)).toBe(false);
  });

  test('does not include instances that Orthanc received before the rules’ day, nor modified copies', async () => {
    const since = new Date(Date.now() + 3_600_000).toISOString();
    await service([{ name: 'all', do: { peer: 'partner' } }], { over: { since } });
    const early = await real.storeInstance(image());
    await reader().decided(early.orthancId);
    await running.splice(0)[0]?.stop();
    await service([{ name: 'all', do: { peer: 'partner' } }]);
    const answer = await fetch(`${real.orthanc.url}/studies/${early.study}/modify`, {
      method: 'POST',
      body: JSON.stringify({ Replace: { StationName: 'COPY' }, KeepSource: true, Synchronous: true }),
    });
    const { ID } = (await answer.json()) as { ID: string };
    const [copy] = (await (await fetch(`${real.orthanc.url}/studies/${ID}/instances`)).json()) as {
      ID: string;
    }[];
    await reader().decided(copy?.ID ?? '');
    const later = await real.storeInstance(image());
    expect(await ended(later.orthancId)).toHaveLength(1);
    for (const id of [early.orthancId, copy?.ID ?? '']) expect(await routesOf(id)).toEqual([]);
    expect((await (await fetch(`${partner.url}/instances`)).json()) as string[]).toEqual([later.orthancId]);
  });
});

// docs/routing.md describes this for users who change their rules.
test('the first file of rules applies to earlier decisions after a sweep; a later rule does not', async () => {
  const sweep = async (of: TestService) => {
    await callApi(of, 'POST', '/sweep', { body: {} });
    await waitFor(async () => (await callApi(of, 'GET', '/sweep')).json.state === 'idle');
  };
  const all = { name: 'all', do: { webhook: 'hook' } };
  await service([all], { env: { PLAINVIEW_RULES_FILE: '' } });
  const { orthancId } = await real.storeInstance(image());
  await reader().decided(orthancId);
  await running.splice(0)[0]?.stop();

  await sweep(await service([all]));
  expect(await ended(orthancId)).toMatchObject([{ rule: 'all', state: 'sent' }]);
  await running.splice(0)[0]?.stop();

  await sweep(await service([all, { name: 'added', do: { label: 'added' } }]));
  const later = await real.storeInstance(image());
  await ended(later.orthancId);
  expect(await reader().labels(`instances/${later.orthancId}`)).toContain('added');
  expect(await reader().labels(`instances/${orthancId}`)).not.toContain('added');
});

describe('sent once', () => {
  test('however many notices come, and again only after a different decision', async () => {
    const { notice, metrics, classifier } = await service([{ name: 'all', do: { webhook: 'hook' } }]);
    const { orthancId } = await real.storeInstance(image());
    await ended(orthancId);
    await notice(orthancId);
    await waitFor(async () => /skipped_total\{why="already_decided"\} [1-9]/.test(await metrics()));
    const again = async () => {
      const before = (await reader().record(orthancId))?.when;
      await reader().put(`instances/${orthancId}`, 'RadiographReclassify', '{}');
      const when = await waitFor(async () => {
        const record = await reader().record(orthancId);
        return record?.when !== before && record?.when;
      });
      return waitFor(async () => {
        const routes = await ended(orthancId);
        return routes.some(({ of }) => of === when) && routes;
      });
    };
    expect((await again()).map(({ state }) => state)).toEqual(['sent', 'skipped']);
    classifier.answer = async () => ({ category: 'hand_ap', score: 0.99 });
    expect((await again()).map(({ state, category }) => [state, category])).toEqual([
      ['sent', 'knee_lateral'],
      ['skipped', 'knee_lateral'],
      ['sent', 'hand_ap'],
    ]);
    expect(listener.requests).toHaveLength(2);
  });
});

describe('a label by a rule', () => {
  test('is on all levels as long as a decision requires it, with the prefix; labels of others stay', async () => {
    const { classifier } = await service(
      [{ name: 'knees', when: { category: 'knee_*' }, do: { label: ['ortho', 'teaching'] } }],
      { env: { PLAINVIEW_LABEL_PREFIX: 'rx-' } },
    );
    const studyInstanceUid = uid('labelled');
    const { orthancId, series, study } = await real.storeInstance(image({ studyInstanceUid }));
    const resources = [`instances/${orthancId}`, `series/${series}`, `studies/${study}`];
    await ended(orthancId);
    for (const resource of resources)
      expect(await reader().labels(resource)).toEqual(['rx-knee_lateral', 'rx-ortho', 'rx-teaching']);
    await fetch(`${real.orthanc.url}/studies/${study}/labels/seen`, { method: 'PUT' });
    classifier.answer = async () => ({ category: 'hand_ap', score: 0.99 });
    await reader().put(`instances/${orthancId}`, 'RadiographReclassify', '{}');
    await waitFor(async () => !(await reader().labels(`studies/${study}`)).includes('rx-ortho'));
    expect(await reader().labels(`studies/${study}`)).toEqual(['rx-hand_ap', 'seen']);
    expect(await reader().labels(`instances/${orthancId}`)).toEqual(['rx-hand_ap']);
  });
});

describe('a rule on the pictures of a study', () => {
  const hands = { all: ['hand_ap left', 'hand_ap right'] };
  const studies = {
    rules: [
      { name: 'both hands', when: hands, do: { label: 'both_hands', webhook: 'hook', peer: 'partner' } },
      { name: 'one hand', when: { any: 'hand_ap' }, unless: hands, do: { label: 'one_hand' } },
      { name: 'ordered', when: { complete: true }, do: { label: 'complete' } },
    ],
  };
  const handsOnly = () => {
    const classifier = stubClassifier();
    classifier.answer = async () => ({ category: 'hand_ap', score: 0.99 });
    return classifier;
  };
  const start = (stateDir: string) =>
    service([], {
      over: { rules: undefined, studies },
      stateDir,
      classifier: handsOnly(),
    });

  test('tells label, webhook and peer once, over a restart, and takes the label away after a correction', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'plainview-studies-'));
    try {
      const first = await start(stateDir);
      listener.answer = { status: 503, body: '' };
      const studyInstanceUid = uid('both hands');
      const store = (side: string) =>
        real.storeInstance(
          image({
            studyInstanceUid,
            patientName: 'SECRET^NAME',
            attributes: {
              '0008,1030': ['LO', 'Hand bds. ap'],
              '0020,0062': ['CS', side],
            },
          }),
        );
      const [left, right] = [await store('L'), await store('R')];
      const study = `studies/${left.study}`;
      await waitFor(() => listener.requests.length > 0);
      // Labels come one by one.
      const labelled = async (...labels: string[]) =>
        waitFor(async () => (await reader().labels(study)).join() === labels.join(), {
          what: labels.join(', '),
        });
      await labelled('both_hands', 'complete', 'hand_ap', 'route_pending');
      await first.stop();
      listener.answer = { status: 202, body: '' };
      const again = await start(stateDir);
      await waitFor(async () => !(await reader().labels(study)).includes('route_pending'));
      const ids = listener.requests.map(({ headers }) => headers['webhook-id']);
      expect(new Set(ids).size).toBe(1);
      const { headers, body } = listener.requests.at(-1) ?? { headers: {}, body: '' };
      const verified = new Webhook(place.secret).verify(body, headers as Record<string, string>);
      const { data } = studyRuleApplied.parse(verified);
      expect(data).toMatchObject({ rule: 'both hands', study: left.study, studyInstanceUid });
      expect(data.pictures.map(({ instance, category, side }) => [instance, category, side])).toEqual(
        expect.arrayContaining([
          [left.orthancId, 'hand_ap', 'left'],
          [right.orthancId, 'hand_ap', 'right'],
        ]),
      );
      expect(body).not.toContain('SECRET');
      for (const { orthancId } of [left, right]) expect(await has(partner, orthancId)).toBe(true);

      const told = listener.requests.length;
      const of = (await reader().record(right.orthancId))?.when;
      const put = await callApi(again, 'PUT', `/instances/${right.orthancId}/decision`, {
        body: { of, category: 'wrist_ap' },
      });
      expect(put.status).toBe(200);
      await labelled('hand_ap', 'one_hand', 'settled_by_person', 'wrist_ap');
      expect(listener.requests).toHaveLength(told);
    } finally {
      for (const each of running.splice(0)) await each.stop();
      await rm(stateDir, { recursive: true });
    }
  });
});
