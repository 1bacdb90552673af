import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { stubClassifier } from '../../testkit/classifier.js';
import { plainview } from '../../testkit/cli.js';
import { image } from '../../testkit/dicom.js';
import { OpenIdProvider } from '../../testkit/openid-provider.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { Reader, startTestService, type TestService } from '../../testkit/service.js';

const real = useOrthanc();
const folder = mkdtempSync(join(tmpdir(), 'plainview-identity-'));
const auditFile = join(folder, 'audit.jsonl');
let provider: OpenIdProvider;
let service: TestService;
let instance: string;

beforeAll(async () => {
  provider = await new OpenIdProvider().start();
  service = await startTestService({
    orthanc: real.orthanc.url,
    classifier: stubClassifier(),
    env: {
      PLAINVIEW_OIDC_ISSUER: provider.issuer,
      PLAINVIEW_OIDC_AUDIENCE: provider.audience,
      PLAINVIEW_OIDC_ROLES: 'reviewer=radiologists,viewer=students',
      PLAINVIEW_AUDIT_FILE: auditFile,
      PLAINVIEW_AUDIT_VIEWS: 'on',
    },
  });
  instance = (await real.storeInstance(image())).orthancId;
  await new Reader(real.orthanc.url).decided(instance);
});
afterEach(() => {
  provider.answer = undefined;
});
afterAll(async () => {
  await service.stop();
  await provider.stop();
  rmSync(folder, { recursive: true });
});

const asked = async (path: string, token: string, init: RequestInit = {}) =>
  fetch(`${service.url}/api/v1${path}`, {
    ...init,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  });
const audited = () =>
  readFileSync(auditFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('a radiologist whom the identity provider names sees a picture and confirms it; both are noted', async () => {
  const token = await provider.token({ roles: ['radiologists'] });
  expect(await (await asked('/me', token)).json()).toEqual({ who: 'alice', role: 'reviewer', how: 'openid' });
  const entry = (await (await asked(`/instances/${instance}`, token)).json()) as { when: string };
  const picture = await asked(`/instances/${instance}/picture`, token);
  expect(picture.headers.get('content-type')).toBe('image/jpeg');
  expect(picture.headers.get('vary')).toContain('authorization');
  const confirmation = { method: 'POST', body: JSON.stringify({ of: entry.when }) };
  expect((await asked(`/instances/${instance}/confirmation`, token, confirmation)).status).toBe(200);
  const by = { who: 'alice', role: 'reviewer', how: 'openid', target: `instances/${instance}` };
  expect(audited()).toMatchObject([
    { ...by, action: 'view', detail: { as: 'decision' } },
    { ...by, action: 'view', detail: { as: 'picture' } },
    { ...by, action: 'confirm' },
  ]);
  expect(service.log()).not.toContain('"action":"view"');
});

test('the map of what speaks for a category is noted as a view of the picture; lists with their length and filter', async () => {
  const token = await provider.token({ roles: ['students'] });
  expect((await asked(`/instances/${instance}/activation?category=hand_ap`, token)).status).toBe(200);
  const filter = 'state=recent&modality=DX&text=DOE&station=DOE*';
  const page = (await (await asked(`/worklist?${filter}`, token)).json()) as { items: unknown[] };
  const study = (await real.storeInstance(image())).study;
  expect((await asked(`/studies/${study}/instances`, token)).status).toBe(200);
  await waitFor(() => audited().some(({ target }) => target === `studies/${study}`));
  expect(audited().slice(-3)).toMatchObject([
    { action: 'view', target: `instances/${instance}`, detail: { as: 'activation', category: 'hand_ap' } },
    {
      action: 'list',
      target: 'worklist',
      detail: {
        entries: page.items.length,
        filter: { state: 'recent', modality: 'DX' },
        words: ['station', 'text'],
      },
    },
    { action: 'list', target: `studies/${study}`, detail: { entries: expect.any(Number) } },
  ]);
  expect(readFileSync(auditFile, 'utf8')).not.toContain('DOE');
});

test('what a role does not allow is refused and noted; without a role nothing is allowed', async () => {
  const student = await provider.token({ preferred_username: 'sam', roles: ['students'] });
  const nobody = await provider.token({ preferred_username: 'eve' });
  expect((await asked('/sweep', student, { method: 'POST', body: '{}' })).status).toBe(403);
  const answer = await asked('/worklist', nobody);
  expect(await answer.json()).toMatchObject({ status: 403, code: 'forbidden' });
  await waitFor(() => audited().some(({ who }) => who === 'eve'));
  expect(audited().slice(-2)).toMatchObject([
    { who: 'sam', action: 'refused', target: 'startSweep', detail: { needs: 'admin' } },
    { who: 'eve', role: 'none', action: 'refused', target: 'worklist' },
  ]);
});

test('who guesses does not keep Orthanc’s hook or others out', async () => {
  for (let n = 0; n < 20; n++) await asked('/me', 'pv_guessed');
  expect((await asked('/me', 'pv_guessed')).status).toBe(429);
  expect((await asked('/me', await provider.token({ roles: ['students'] }))).status).toBe(200);
  expect((await service.notice(instance)).status).toBe(202);
});

test('a command of an administrator is noted with the user of the operating system', async () => {
  const { ended, out } = plainview(['sweep', '--no-wait'], {
    PLAINVIEW_SECRET: service.secret,
    PLAINVIEW_PORT: new URL(service.url).port,
  });
  expect([await ended, out()]).toEqual([0, 'the sweep has started\n']);
  expect(audited().at(-1)).toMatchObject({
    who: userInfo().username,
    role: 'admin',
    how: 'command line',
    action: 'sweep',
  });
});
