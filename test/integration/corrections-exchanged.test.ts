import { expect, test } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { image, uid } from '../../testkit/dicom.js';
import { type OrthancForTests, useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, Reader, type TestService } from '../../testkit/service.js';
import { useServices } from '../../testkit/services.js';

/** Two sites that exchange pictures: each has its own Orthanc, service and state folder. */
const hooks = [await hookAddress(), await hookAddress()] as const;
/** 1.13.0: before, a rendering that meets a deletion can stop Orthanc's index for ever. */
const site = (hook: (typeof hooks)[number]) => {
  const orthanc = useOrthanc({ hook, suite: 'forky', configuration: { OverwriteInstances: true } });
  return { orthanc, ...useServices(orthanc, hook) };
};
const [a, b] = [site(hooks[0]), site(hooks[1])];
const readerOf = ({ orthanc }: { orthanc: OrthancForTests }) => new Reader(orthanc.orthanc.url);

/** Sends an instance as Orthanc's peers do: the file alone. */
async function send(id: string, from: typeof a, to: typeof a): Promise<void> {
  const { url } = from.orthanc.orthanc;
  const peer = { method: 'PUT', body: JSON.stringify({ Url: to.orthanc.orthanc.url }) };
  expect((await fetch(`${url}/peers/other`, peer)).status).toBe(200);
  const before = await readerOf(to).lastChange();
  expect((await fetch(`${url}/peers/other/store`, { method: 'POST', body: id })).status).toBe(200);
  expect(await readerOf(to).lastChange()).toBeGreaterThan(before);
}

async function says(of: TestService, at: typeof a, id: string, who: string, category: string): Promise<void> {
  const body = { category, of: (await readerOf(at).record(id))?.when };
  const answer = await callApi(of, 'PUT', `/instances/${id}/decision`, { body, role: 'reviewer', who });
  expect(answer.status).toBe(200);
}

async function expectWord(at: typeof a, id: string, who: string, category: string): Promise<void> {
  const reader = readerOf(at);
  await waitFor(async () => (await reader.record(id))?.person?.who === who, { what: `the word of ${who}` });
  expect(await reader.decided(id)).toBe(category);
  await waitFor(
    async () => (await reader.labels(`instances/${id}`)).join() === `${category},settled_by_person`,
  );
}

/** All that Plainview wrote about an instance and what is above it. */
async function writtenAt({ orthanc }: typeof a, id: string): Promise<string> {
  const { url } = orthanc.orthanc;
  const texts = await Promise.all(
    ['', '/series', '/study'].map(async (parent) => {
      const { ID } = (await (await fetch(`${url}/instances/${id}${parent}`)).json()) as { ID: string };
      const level = parent === '' ? 'instances' : parent === '/series' ? 'series' : 'studies';
      const of = async (what: string) => (await fetch(`${url}/${level}/${ID}/${what}`)).text();
      return `${await of('metadata?expand')} ${await of('labels')}`;
    }),
  );
  return texts.join(' ');
}

test('each site keeps its own word about a picture that goes back and forth, and names no one to the other', async () => {
  const [ofA, ofB] = [await a.service(), await b.service()];
  ofB.classifier.answer = async () => ({ category: 'wrist_ap', score: 0.99 });
  const bytes = image({
    patientId: 'exchanged',
    studyInstanceUid: uid('exchanged study'),
    pixels: Uint16Array.from({ length: 64 * 64 }, (_, index) => (index * 11) % 4096),
  });
  const { orthancId: id } = await a.orthanc.storeInstance(bytes);
  await readerOf(a).decided(id);
  await says(ofA, a, id, 'alice', 'hand_ap');

  // The word stays where the state folder is: the other site's network decides.
  await send(id, a, b);
  expect(await readerOf(b).decided(id)).toBe('wrist_ap');
  expect((await readerOf(b).record(id))?.who).toBe('network');
  await says(ofB, b, id, 'bob', 'ankle_ap');

  // Back, over the one that is there.
  await send(id, b, a);
  await expectWord(a, id, 'alice', 'hand_ap');
  // Back, after it was deleted.
  await fetch(`${a.orthanc.orthanc.url}/instances/${id}`, { method: 'DELETE' });
  await send(id, b, a);
  await expectWord(a, id, 'alice', 'hand_ap');
  // There again, over the one that is there, and after it was deleted.
  await send(id, a, b);
  await expectWord(b, id, 'bob', 'ankle_ap');
  await fetch(`${b.orthanc.orthanc.url}/instances/${id}`, { method: 'DELETE' });
  await send(id, a, b);
  await expectWord(b, id, 'bob', 'ankle_ap');

  expect(await writtenAt(a, id)).not.toContain('bob');
  expect(await writtenAt(b, id)).not.toContain('alice');

  // An undo at one site is none at the other.
  const { when } = (await readerOf(a).record(id)) ?? {};
  expect((await callApi(ofA, 'POST', `/instances/${id}/undo`, { body: { of: when } })).status).toBe(200);
  await send(id, b, a);
  await waitFor(async () => (await readerOf(a).record(id))?.who === 'network');
  expect(await readerOf(a).decided(id)).toBe('knee_lateral');
  await expectWord(b, id, 'bob', 'ankle_ap');
}, 120_000);
