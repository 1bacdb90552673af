import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { image } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, Reader, type TestService } from '../../testkit/service.js';
import { useServices } from '../../testkit/services.js';

const hook = await hookAddress();
const real = useOrthanc({ hook });
const { service } = useServices(real, hook);
const reader = () => new Reader(real.orthanc.url);

async function decided(of: TestService, category: string) {
  of.classifier.answer = async () => ({ category, score: 0.99 });
  const stored = await real.storeInstance(image());
  await reader().decided(stored.orthancId);
  return stored;
}

async function sweep(of: TestService): Promise<void> {
  await callApi(of, 'POST', '/sweep');
  await waitFor(async () => (await callApi(of, 'GET', '/sweep')).json.state === 'idle', {
    what: 'the sweep ends',
  });
}

test('a label that Orthanc Explorer 2 sets on a study is a proposal that a reviewer takes, undoes and dismisses', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plainview-audit-'));
  const auditFile = join(folder, 'audit.jsonl');
  const of = await service({ env: { PLAINVIEW_AUDIT_FILE: auditFile } });
  const { orthancId: id, study } = await decided(of, 'chest_pa_ap');
  const listed = async () => (await callApi(of, 'GET', '/worklist?state=category_proposed')).json;
  const labels = () => reader().labels(`studies/${study}`);
  const dismiss = (role: 'viewer' | 'reviewer') =>
    callApi(of, 'POST', `/studies/${study}/dismissal`, { body: { category: 'knee_ap' }, role });

  const before = await reader().lastChange();
  await reader().label(`studies/${study}`, 'knee_ap');
  // Orthanc reports the label to nobody.
  const changes = await fetch(`${real.orthanc.url}/changes?since=${before}&limit=1000`);
  const { Changes } = (await changes.json()) as { Changes: { ID: string; ChangeType: string }[] };
  const ofStudy = Changes.filter(({ ID, ChangeType }) => ID === study && ChangeType !== 'StableStudy');
  expect(ofStudy).toEqual([]);
  const { json: seen } = await callApi(of, 'GET', `/instances/${id}`);
  expect(seen).toMatchObject({ category: 'chest_pa_ap', proposed: ['knee_ap'] });

  await sweep(of);
  expect(await labels()).toEqual(['category_proposed', 'chest_pa_ap', 'knee_ap']);
  expect(await listed()).toMatchObject({ total: 1, items: [{ instance: id, study, proposed: ['knee_ap'] }] });

  const body = { category: 'knee_ap', of: seen.when };
  const taken = await callApi(of, 'PUT', `/instances/${id}/decision`, { body, role: 'reviewer' });
  expect(taken).toMatchObject({ status: 200, json: { who: 'person', category: 'knee_ap', proposed: [] } });
  expect(await labels()).toEqual(['knee_ap', 'settled_by_person']);
  expect(await dismiss('reviewer')).toMatchObject({ status: 409, json: { code: 'not_proposed' } });
  await callApi(of, 'POST', `/instances/${id}/undo`, { body: { of: taken.json.when } });
  expect(await labels()).toEqual(['category_proposed', 'chest_pa_ap', 'knee_ap']);

  expect((await dismiss('viewer')).status).toBe(403);
  expect(await dismiss('reviewer')).toMatchObject({ status: 200, json: { proposed: [] } });
  await sweep(of);
  expect(await labels()).toEqual(['chest_pa_ap', 'knee_ap']);
  expect(await listed()).toMatchObject({ total: 0, items: [] });
  const lines = (await readFile(auditFile, 'utf8')).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line)).filter(({ action }) => action === 'dismiss')).toMatchObject([
    { who: 'alice', role: 'reviewer', target: `studies/${study}`, detail: { category: 'knee_ap' } },
  ]);
  await rm(folder, { recursive: true });
});
