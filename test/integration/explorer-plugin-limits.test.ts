import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../src/files/temporary.js';
import type { DebianSuite } from '../../src/sandbox/debian.js';
import { stubClassifier } from '../../testkit/classifier.js';
import { image, uid } from '../../testkit/dicom.js';
import { type StoredInstance, useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, startTestService, type TestService } from '../../testkit/service.js';

const users = { chief: 'all', guest: 'one', plainview: 'service' };
type User = keyof typeof users;
const login = (user: User) => ({
  authorization: `Basic ${Buffer.from(`${user}:${users[user]}`).toString('base64')}`,
});

/** As a site limits a user: the guest reads one study and what is in it, and uses Plainview. */
const filter = (studyUid: string) => `
function IncomingHttpRequestFilter(method, uri, ip, username, headers)
  if username ~= 'guest' or uri:find('^/plainview/') then
    return true
  end
  local level, id = uri:match('^/(%a+)/([%x-]+)')
  if (level ~= 'studies' and level ~= 'instances') or method ~= 'GET' then
    return false
  end
  local study = ParseJson(RestApiGet('/' .. level .. '/' .. id .. (level == 'instances' and '/study' or '')))
  return study['MainDicomTags']['StudyInstanceUID'] == '${studyUid}'
end`;

const shared = uid('shared');
const json = { 'content-type': 'application/json' };

describe.each<DebianSuite>(['trixie', 'forky'])(
  'a user whom Orthanc from %s limits to one study',
  async (suite) => {
    const hook = await hookAddress();
    const real = useOrthanc(async () => {
      const script = join(await temporaryFolder('plainview-filter-'), 'filter.lua');
      await writeFile(script, filter(shared));
      return {
        hook,
        suite,
        explorer: true,
        scripts: { after: [script] },
        configuration: {
          RegisteredUsers: users,
          Plainview: { Roles: { chief: 'admin', guest: 'admin' } },
          // Two threads work for Plainview at most, and two are left for what the plugin asks Orthanc.
          HttpThreadsCount: 6,
          // Else the connections that are kept open occupy them all.
          KeepAlive: false,
        },
      };
    });
    let service: TestService;
    let own: StoredInstance;
    let foreign: StoredInstance;

    const ask = (user: User, path: string, init: RequestInit = {}) =>
      fetch(`${real.orthanc.url}/plainview${path}`, {
        ...init,
        headers: { ...login(user), 'x-plainview-query': path.split('?')[1] ?? '', ...init.headers },
      });
    const result = async (user: User, path: string, init: RequestInit = {}) => {
      const answer = await ask(user, path, init);
      const body = await answer.text();
      return answer.ok ? answer.status : [answer.status, (JSON.parse(body) as { code: string }).code];
    };
    const store = async (studyInstanceUid: string): Promise<StoredInstance> => {
      const answer = await fetch(`${real.orthanc.url}/instances`, {
        method: 'POST',
        headers: login('chief'),
        body: Buffer.from(image({ studyInstanceUid, patientId: studyInstanceUid })),
      });
      const { ID, ParentStudy, ParentSeries, ParentPatient } = (await answer.json()) as Record<
        string,
        string
      >;
      return {
        orthancId: String(ID),
        study: String(ParentStudy),
        series: String(ParentSeries),
        patient: String(ParentPatient),
        status: 'Success',
      };
    };

    beforeAll(async () => {
      service = await startTestService({
        orthanc: real.orthanc.url,
        hook,
        classifier: stubClassifier(),
        env: { PLAINVIEW_ORTHANC_USERNAME: 'plainview', PLAINVIEW_ORTHANC_PASSWORD: users.plainview },
      });
      own = await store(shared);
      foreign = await store(uid('foreign'));
      for (const { orthancId } of [own, foreign])
        await waitFor(async () => {
          const path = `/instances/${orthancId}/metadata/RadiographCategory`;
          return (await fetch(`${real.orthanc.url}${path}`, { headers: login('chief') })).ok;
        });
    });
    afterAll(() => service?.stop());

    test('sees the pictures and the hanging of that study, and of no other', async () => {
      for (const leaf of ['', '/thumbnail', '/picture?width=64']) {
        expect([leaf, await result('guest', `/api/v1/instances/${own.orthancId}${leaf}`)]).toEqual([
          leaf,
          200,
        ]);
        expect(await result('guest', `/api/v1/instances/${foreign.orthancId}${leaf}`)).toEqual([
          403,
          'not_permitted',
        ]);
        expect(await result('chief', `/api/v1/instances/${foreign.orthancId}${leaf}`)).toBe(200);
      }
      expect(await result('guest', `/api/v1/studies/${own.study}/instances`)).toBe(200);
      expect(await result('guest', `/api/v1/studies/${foreign.study}/instances`)).toEqual([
        403,
        'not_permitted',
      ]);
      expect(await result('guest', `/api/v1/studies/${shared}/hanging?priors=true`)).toBe(200);
      expect(await result('guest', `/api/v1/studies/${uid('foreign')}/hanging`)).toEqual([
        403,
        'not_permitted',
      ]);
      expect(await result('chief', `/api/v1/studies/${uid('foreign')}/hanging`)).toBe(200);
    });

    test('changes no other study', async () => {
      const body = JSON.stringify({ category: 'hand_ap', of: '2026-01-01T00:00:00.000Z' });
      const put = { method: 'PUT', body, headers: json };
      expect(await result('guest', `/api/v1/instances/${foreign.orthancId}/decision`, put)).toEqual([
        403,
        'not_permitted',
      ]);
      // The service answers this one: the decision is newer than what was seen.
      expect(await result('guest', `/api/v1/instances/${own.orthancId}/decision`, put)).toEqual([
        409,
        'decision_changed',
      ]);
      const reclassify = (resources: string[]) =>
        result('guest', '/reclassify', {
          method: 'POST',
          body: JSON.stringify({ resources }),
          headers: json,
        });
      expect(await reclassify([own.study, foreign.study])).toEqual([403, 'not_permitted']);
      expect(await reclassify([own.study])).toBe(202);
      const requests = { method: 'POST', body: JSON.stringify({ selection: { all: true } }), headers: json };
      expect(await result('guest', '/api/v1/requests', requests)).toEqual([403, 'user_limited']);
    });

    test('gets no list, with the reason; the page and its session work', async () => {
      for (const path of [
        '/worklist',
        '/statistics',
        '/requests',
        '/sweep',
        '/WORKLIST',
        '/instances',
        '/Instances/x',
      ]) {
        expect([path, await result('guest', `/api/v1${path}`)]).toEqual([path, [403, 'user_limited']]);
      }
      for (const path of ['/worklist', '/statistics', '/requests', '/sweep'])
        expect(await result('chief', `/api/v1${path}`)).toBe(200);
      for (const path of ['/session', '/api/v1/me', '/api/v1/categories', '/api/v1/status'])
        expect(await result('guest', path)).toBe(200);
    });

    test('many requests at once wait for each other, and none hangs', async () => {
      const began = performance.now();
      const statuses = await Promise.all(
        Array.from(
          { length: 24 },
          async () => (await ask('chief', `/api/v1/instances/${own.orthancId}`)).status,
        ),
      );
      expect(performance.now() - began).toBeLessThan(15_000);
      expect(new Set([...statuses, 200, 503])).toEqual(new Set([200, 503]));
      expect(statuses).toContain(200);
    });
  },
);
