import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { instanceRoutes, type Route } from '../../src/followups/routing/routes-record.js';
import { type SandboxOrthanc, startOrthanc } from '../../src/sandbox/orthanc.js';
import { freePort } from '../../src/sandbox/ports.js';
import { stubClassifier } from '../../testkit/classifier.js';
import { image } from '../../testkit/dicom.js';
import { storeInstance, waitFor } from '../../testkit/orthanc.js';
import { head, type RulesFolder, rulesFolder } from '../../testkit/rules.js';
import { hookAddress, Reader, startTestService, type TestService } from '../../testkit/service.js';

/** A site: an Orthanc with the hook and the service, and with the other site as destination. */
interface Site {
  orthanc: SandboxOrthanc;
  hook: Awaited<ReturnType<typeof hookAddress>>;
  place: RulesFolder;
  service?: TestService;
}

const sites: Site[] = [];
const ports = await Promise.all(
  [0, 1].map(async () => ({ http: await freePort(), dicom: await freePort() })),
);

async function site(index: 0 | 1): Promise<Site> {
  const [mine, other] = [ports[index], ports[1 - index]];
  if (mine === undefined || other === undefined) throw new Error('two sites have ports');
  const hook = await hookAddress();
  const [aet, otherAet] = index === 0 ? ['EAST', 'WEST'] : ['WEST', 'EAST'];
  const orthanc = await startOrthanc({
    port: mine.http,
    hook,
    configuration: {
      DicomServerEnabled: true,
      DicomPort: mine.dicom,
      DicomAet: aet,
      OverwriteInstances: true,
      OrthancPeers: { other: [`http://127.0.0.1:${other.http}`] },
      DicomModalities: { OTHER: [otherAet, '127.0.0.1', other.dicom] },
    },
  });
  return { orthanc, hook, place: await rulesFolder() };
}

beforeAll(async () => {
  for (const index of [0, 1] as const) sites.push(await site(index));
});
afterAll(async () => {
  for (const { orthanc, place } of sites) {
    await orthanc.discard();
    await place.discard();
  }
});
afterEach(async () => {
  for (const each of sites) {
    await each.service?.stop();
    delete each.service;
  }
});

async function bothSend(to: object, over: object = {}): Promise<void> {
  for (const each of sites) {
    const file = await each.place.write({ ...head, rules: [{ name: 'onwards', do: to, ...over }] });
    each.service = await startTestService({
      orthanc: each.orthanc.url,
      hook: each.hook,
      classifier: stubClassifier(),
      env: { PLAINVIEW_RULES_FILE: file },
    });
  }
}

async function routesAt(index: number, id: string): Promise<Route[]> {
  const reader = new Reader(sites[index]?.orthanc.url ?? '');
  const text = await reader.metadata(`instances/${id}`, 'RadiographRoutes');
  return text === undefined ? [] : instanceRoutes.parse(JSON.parse(text)).routes;
}

/** How often a site's service decided an instance. It decides each time that the instance comes as new. */
const decidedAt = (index: number, id: string): number =>
  (sites[index]?.service?.log() ?? '')
    .split('\n')
    .filter((line) => line.includes(id) && line.includes('"decided"')).length;

describe('two sites that send everything to each other, and overwrite instances that come again', () => {
  test.each(['changed', 'always'])('end after one round between peers (again: %s)', async (again) => {
    await bothSend({ peer: 'other' }, { again });
    const { orthancId } = await storeInstance(sites[0]?.orthanc.url ?? '', image());
    const [route] = await waitFor(
      async () => {
        const routes = await routesAt(0, orthancId);
        return routes.some(({ state }) => state === 'skipped') && routes;
      },
      { what: 'the end of the round' },
    );
    expect(route?.why).toMatch(/^the very same was sent there at /);
    // The other one notes that it has sent it when its Orthanc says so, which may be later than this one has it.
    await expect.poll(() => routesAt(1, orthancId)).toMatchObject([{ to: 'peer:other', state: 'sent' }]);
    expect([decidedAt(0, orthancId), decidedAt(1, orthancId)]).toEqual([2, 1]);
  });

  test('send nothing back to the modality from which it came', async () => {
    await bothSend({ modality: 'OTHER' });
    const { orthancId } = await storeInstance(sites[0]?.orthanc.url ?? '', image());
    const [route] = await waitFor(async () => {
      const routes = await routesAt(1, orthancId);
      return routes.length > 0 && routes;
    });
    expect(route).toMatchObject({ state: 'skipped', why: 'it came from there' });
    expect([decidedAt(0, orthancId), decidedAt(1, orthancId)]).toEqual([1, 1]);
  });
});
