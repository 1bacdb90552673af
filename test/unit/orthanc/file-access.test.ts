import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { type InstanceId, instanceId } from '../../../src/orthanc/ids.js';
import { Orthanc } from '../../../src/orthanc/orthanc.js';
import { FolderStore } from '../../../src/store/folder-store.js';
import { Suspects } from '../../../src/store/suspects.js';
import { image, instance } from '../../../testkit/dicom.js';
import { type FakeOrthanc, startFakeOrthanc } from '../../../testkit/fake-orthanc.js';
import { waitFor } from '../../../testkit/wait-for.js';

const silent = pino({ level: 'silent' });

let fake: FakeOrthanc;
let stateDir = '';
const clients: Orthanc[] = [];
beforeEach(async () => {
  fake = await startFakeOrthanc();
  stateDir = mkdtempSync(join(tmpdir(), 'file-access-'));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await fake.stop();
  rmSync(stateDir, { recursive: true });
});

/** A client of a process that starts now. */
async function client(env: NodeJS.ProcessEnv = {}): Promise<Orthanc> {
  const config = loadConfig({ PLAINVIEW_ORTHANC_URL: fake.url, ...env });
  const orthanc = new Orthanc(config, undefined, new Suspects(new FolderStore(stateDir), silent));
  clients.push(orthanc);
  return orthanc;
}
const stored = (options = {}): InstanceId => instanceId.parse(fake.store(image(options)).ID);
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'fine',
    (error: { code?: string }) => error.code,
  );
const renderingsOf = (id: InstanceId) =>
  fake.calls.filter(({ path }) => path.includes(id) && /rendered|image-|preview/.test(path));
const whole = (orthanc: Orthanc, id: InstanceId) =>
  orthanc.renderings.whole(id, 0, async ({ length }) => length);
const jpeg = (orthanc: Orthanc, id: InstanceId) =>
  orthanc.renderings.jpeg(id, 0, { size: 100, quality: 80 }, new AbortController().signal);

/** From now on the rendering of this instance ends Orthanc, which is back after some refused calls. */
function crashesAt(id: InstanceId): void {
  let refused = 0;
  fake.intercept = ({ path }) => {
    if (path.includes(id) && /\/frames\//.test(path)) refused = 3;
    return refused-- > 0 ? 'cut' : undefined;
  };
}
const isBack = () => waitFor(async () => (await fetch(`${fake.url}/system`).catch(() => undefined))?.ok);

describe('a picture that ends Orthanc', () => {
  test('is asked for twice, ever: not at once, not by another part, not after a restart', async () => {
    const id = stored();
    crashesAt(id);
    const first = await client();
    expect(await codeOf(whole(first, id))).toBe('orthanc_unreachable');
    expect(renderingsOf(id)).toHaveLength(1);
    await isBack();
    expect(await codeOf(jpeg(await client(), id))).toBe('orthanc_unreachable');
    await isBack();
    for (const call of [whole, jpeg]) expect(await codeOf(call(await client(), id))).toBe('orthanc_toppled');
    expect(await (await client()).renderings.fingerprint(id, { frames: 1, isSigned: false })).toBe('none');
    expect(renderingsOf(id)).toHaveLength(2);
  });

  test('clears those that were rendered beside it', async () => {
    const [bad, good] = [stored(), stored()];
    const orthanc = await client();
    const held = fake.hold(({ path }) => path.includes(good) && path.includes('rendered'));
    const beside = codeOf(whole(orthanc, good));
    await held.reached;
    let isDead = false;
    fake.intercept = ({ path }) => {
      isDead ||= path.includes(bad) && path.includes('rendered');
      return isDead ? 'cut' : undefined;
    };
    const crashing = codeOf(whole(orthanc, bad));
    expect(await crashing).toBe('orthanc_unreachable');
    held.release();
    expect(await beside).toBe('orthanc_unreachable');
    fake.intercept = () => undefined;
    for (let time = 0; time < 3; time++) expect(await codeOf(whole(orthanc, good))).toBe('fine');
    expect(await new Suspects(new FolderStore(stateDir), silent).of(good)).toBeUndefined();
    expect(await new Suspects(new FolderStore(stateDir), silent).of(bad)).toMatchObject({ times: 1 });
  });

  test('is asked for alone the second time', async () => {
    const [suspect, other] = [stored(), stored()];
    await new Suspects(new FolderStore(stateDir), silent).put(suspect, { times: 1, at: '' });
    const orthanc = await client();
    const held = fake.hold(({ path }) => path.includes(suspect));
    const alone = whole(orthanc, suspect);
    await held.reached;
    const later = whole(orthanc, other);
    await orthanc.system();
    expect(fake.calls.filter(({ path }) => path.includes(other))).toEqual([]);
    held.release();
    await Promise.all([alone, later]);
  });
});

test('a picture that takes longer than the time-out is asked for twice, ever', async () => {
  const id = stored();
  const held = fake.hold(({ path }) => path.includes('rendered'));
  const env = { PLAINVIEW_ORTHANC_TIMEOUT_MS: '100' };
  const codes = [];
  for (let time = 0; time < 4; time++) codes.push(await codeOf(whole(await client(env), id)));
  expect(codes).toEqual(['orthanc_timeout', 'orthanc_timeout', 'orthanc_toppled', 'orthanc_toppled']);
  expect(renderingsOf(id)).toHaveLength(2);
  held.release();
});

test('an attribute list that takes longer than the time-out is asked for twice, ever', async () => {
  const id = stored();
  const held = fake.hold(({ path }) => path.includes('simplified-tags'));
  const env = { PLAINVIEW_ORTHANC_TIMEOUT_MS: '100' };
  for (let time = 0; time < 4; time++) await codeOf((await client(env)).hierarchy.describe(id));
  expect(fake.calls.filter(({ path }) => path.includes('simplified-tags'))).toHaveLength(2);
  held.release();
});

test('a connection that breaks while Orthanc answers others is the network: no suspicion, but no repeat at once', async () => {
  const id = stored();
  fake.intercept = ({ path }) => (path.includes('rendered') ? 'cut' : undefined);
  const orthanc = await client();
  for (let time = 1; time <= 3; time++) {
    expect(await codeOf(whole(orthanc, id))).toBe('orthanc_unreachable');
    expect(renderingsOf(id)).toHaveLength(time);
  }
  fake.intercept = () => undefined;
  expect(await codeOf(whole(orthanc, id))).toBe('fine');
});

describe('an old connection that breaks when it is used again', () => {
  const oldConnection = async () => {
    const orthanc = await client();
    await whole(orthanc, stored());
    return { id: stored(), orthanc };
  };

  test('was closed by Orthanc, which has run all the time: the call is repeated once, on a new one', async () => {
    const { id, orthanc } = await oldConnection();
    let cuts = 1;
    fake.intercept = ({ path }) => {
      if (path === '/tools/metrics-prometheus')
        return {
          status: 200,
          type: 'text/plain',
          body: Buffer.from('orthanc_up_time_s 3600 1792000000000\n'),
        };
      return path.includes('rendered') && cuts-- > 0 ? 'cut' : undefined;
    };
    expect(await codeOf(whole(orthanc, id))).toBe('fine');
    expect(renderingsOf(id)).toHaveLength(2);
    expect(await new Suspects(new FolderStore(stateDir), silent).of(id)).toBeUndefined();
  });

  test('but not where Orthanc does not answer after it', async () => {
    const { id, orthanc } = await oldConnection();
    crashesAt(id);
    expect(await codeOf(whole(orthanc, id))).toBe('orthanc_unreachable');
    expect(renderingsOf(id)).toHaveLength(1);
    expect(await new Suspects(new FolderStore(stateDir), silent).of(id)).toMatchObject({ times: 1 });
  });
});

describe('a picture that must not be decoded', () => {
  const us = (value: number) => ['US', value] as const;
  test.each([
    ['picture_too_large', { '0028,0010': us(13_000), '0028,0011': us(13_000) }],
    ['header_impossible', { '0028,0002': us(2) }],
    ['header_impossible', { '0028,0100': us(24) }],
    ['header_impossible', { '0028,0004': ['CS', 'PALETTE COLOR'] as const }],
  ])('is refused as %s without asking Orthanc, by whoever wants it', async (code, attributes) => {
    const id = stored({ attributes });
    const orthanc = await client();
    for (const call of [whole, jpeg]) expect(await codeOf(call(orthanc, id))).toBe(code);
    const { tags } = await orthanc.hierarchy.describe(id);
    // The fake has no stored bytes of a frame.
    await orthanc.renderings.fingerprint(id, tags).catch(() => undefined);
    expect(renderingsOf(id)).toEqual([]);
  });
});

describe('replacing and deleting', () => {
  const deletions = () => fake.calls.filter(({ method }) => method === 'DELETE');

  test('waits for the renderings that are under way, and those that come later wait for it', async () => {
    const [shown, deleted, later] = [stored(), stored(), stored()];
    const orthanc = await client();
    const rendering = fake.hold(({ path }) => path.includes(shown) && path.includes('rendered'));
    const first = whole(orthanc, shown);
    await rendering.reached;
    const deletion = orthanc.instanceStore.delete(deleted);
    const second = whole(orthanc, later);
    await orthanc.system();
    expect(deletions()).toEqual([]);
    const held = fake.hold(({ method }) => method === 'DELETE');
    rendering.release();
    await held.reached;
    expect(renderingsOf(later)).toEqual([]);
    held.release();
    await Promise.all([first, deletion, second]);
  });

  test('waits also for a rendering whose time-out has passed, because Orthanc still works on it', async () => {
    const [slow, deleted] = [stored(), stored()];
    const orthanc = await client({ PLAINVIEW_ORTHANC_TIMEOUT_MS: '300' });
    const held = fake.hold(({ path }) => path.includes('rendered'));
    expect(await codeOf(whole(orthanc, slow))).toBe('orthanc_timeout');
    const deletion = orthanc.instanceStore.delete(deleted);
    await orthanc.system();
    expect(deletions()).toEqual([]);
    await deletion;
    held.release();
  });

  test('a report is stored as a replacement may be', async () => {
    const file = fake.store(image());
    const orthanc = await client();
    const rendering = fake.hold(({ path }) => path.includes('rendered'));
    const first = whole(orthanc, instanceId.parse(file.ID));
    await rendering.reached;
    const created = orthanc.instanceStore.store(instance({ modality: 'SR' }));
    await orthanc.system();
    expect(fake.calls.filter(({ method, path }) => method === 'POST' && path === '/instances')).toEqual([]);
    rendering.release();
    await Promise.all([first, created]);
  });
});
