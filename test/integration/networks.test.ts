import { appendFile, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shipped } from '../../src/files/places.js';
import { callApi } from '../../testkit/api.js';
import { brightnessOnnx } from '../../testkit/classify/brightness-onnx.js';
import { plainview } from '../../testkit/cli.js';
import { image } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { seeded } from '../../testkit/random.js';
import { hookAddress, Reader } from '../../testkit/service.js';
import { ServiceProcess } from '../../testkit/service-process.js';

const hook = await hookAddress();
const real = useOrthanc({ hook });
const reader = () => new Reader(real.orthanc.url);
const classes = (await readFile(shipped('model', 'classes.txt'), 'utf8')).trim().split('\n');
/** Of the other network, whose outputs have the names in the reverse order. */
const turned = (category: string) => classes.at(-1 - classes.indexOf(category));

let stateDir = '';
let service: ServiceProcess;
beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'plainview-state-'));
  await writeFile(join(stateDir, 'changes.json'), JSON.stringify({ since: await reader().lastChange() }));
  const folder = join(stateDir, 'networks', 'turned');
  await mkdir(folder, { recursive: true });
  await copyFile(shipped('model', 'plainview.pb'), join(folder, 'network.pb'));
  // A field that nobody knows: another file that computes the same.
  await appendFile(join(folder, 'network.pb'), Buffer.from([0x78, 0x01]));
  await writeFile(join(folder, 'classes.txt'), classes.toReversed().join('\n'));
  await writeFile(join(folder, 'network.json'), JSON.stringify({ name: 'turned' }));
  service = new ServiceProcess({
    orthanc: real.orthanc.url,
    ...hook,
    stateDir,
    env: { PLAINVIEW_SHADOW_NETWORK: 'turned', PLAINVIEW_WORKERS: '1' },
  });
  service.start();
  await service.ready();
}, 90_000);
afterAll(async () => {
  await service?.discard();
  await rm(stateDir, { recursive: true, force: true });
});

const command = async (...args: string[]) => {
  const { ended, out } = plainview(args, {
    PLAINVIEW_PORT: String(hook.port),
    PLAINVIEW_SECRET: hook.secret,
    PLAINVIEW_STATE_DIR: stateDir,
  });
  return { status: await ended, out: out() };
};
const deciding = async (): Promise<string> => {
  const { json } = await callApi(service, 'GET', '/status', { role: 'viewer' });
  return json.network.name;
};
const store = async (): Promise<string> => {
  const { orthancId } = await real.storeInstance(image());
  await reader().decided(orthancId);
  return orthancId;
};
const record = async (id: string) => (await reader().record(id)) ?? expect.fail('no record');

describe('a network in the shadow', () => {
  test('has its answer in the record, and nowhere else', async () => {
    const id = await store();
    const { shadow, top, network, labels } = await record(id);
    expect(network.name).not.toBe('turned');
    expect(shadow).toMatchObject({
      network: { name: 'turned', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(shadow?.top).toEqual(top.map(({ category, score }) => ({ category: turned(category), score })));
    expect(await reader().labels(`instances/${id}`)).toEqual(labels);
    expect((await callApi(service, 'GET', `/instances/${id}`)).json.shadow).toEqual(shadow);
    expect((await callApi(service, 'GET', '/status')).json.shadow).toMatchObject({
      network: { name: 'turned' },
    });
    expect(await service.metric('plainview_shadow_total{outcome="differs"}')).toBeGreaterThanOrEqual(0);
  });

  test("is kept with a person's decision", async () => {
    const id = await store();
    const { when, shadow } = await record(id);
    const body = { category: 'knee_ap', of: when };
    expect((await callApi(service, 'PUT', `/instances/${id}/decision`, { body })).status).toBe(200);
    expect((await record(id)).before?.shadow).toEqual(shadow);
  });
});

describe('the switch to another network', () => {
  test('needs no restart, outlasts one, leaves decisions to a sweep and people their word, and goes back', async () => {
    const before = await store();
    const corrected = await store();
    const body = { category: 'knee_ap', of: (await record(corrected)).when };
    await callApi(service, 'PUT', `/instances/${corrected}/decision`, { body });
    const { out: list } = await command('network', 'list');
    expect(list).toMatch(/^decides +embedded/m);
    expect(list).toMatch(/^shadow +turned .*\d\d classes/m);

    const used = await command('network', 'use', 'turned');
    expect(used).toMatchObject({ status: 0, out: expect.stringContaining('turned') });
    expect(await deciding()).toBe('turned');
    const after = await store();
    const { network, shadow, top } = await record(after);
    expect(network.name).toBe('turned');
    // It is the network that decides, so it has no shadow.
    expect(shadow).toBeUndefined();
    expect(
      (await callApi(service, 'GET', `/instances/${after}/activation?category=${top[0]?.category}`)).json,
    ).toMatchObject({
      score: top[0]?.score,
    });
    expect((await callApi(service, 'GET', '/categories')).json.networkClasses).toEqual(classes.toReversed());

    await fetch(`${real.orthanc.url}/instances/${before}/metadata/2345`, { method: 'PUT', body: 'anything' });
    expect((await record(before)).network.name).not.toBe('turned');
    await service.kill();
    service.start();
    await service.ready();
    expect(await deciding()).toBe('turned');
    await service.logged(/chosen by `plainview network use`/);
    expect((await record(before)).network.name).not.toBe('turned');
    expect((await command('sweep')).status).toBe(0);
    await waitFor(async () => (await record(before)).network.name === 'turned');
    expect(await record(corrected)).toMatchObject({ who: 'person', category: 'knee_ap' });

    expect(await command('network', 'back')).toMatchObject({
      status: 0,
      out: expect.stringContaining('embedded'),
    });
    expect(await deciding()).not.toBe('turned');
    expect(await command('network', 'back')).toMatchObject({
      status: 1,
      out: expect.stringContaining('no network to go back to'),
    });
  }, 120_000);

  test('takes ONNX networks, also two in a cascade: the record names both, and either explains', async () => {
    const folder = join(stateDir, 'networks', 'parts');
    await mkdir(folder);
    const thresholds = { threshold: 0, margin: 0, unknownBelow: 0 };
    await brightnessOnnx(folder, 'views', ['knee_ap', 'our_view', 'chest_lateral'], { thresholds });
    const next = { knee: 'views.onnx', hand: 'views.onnx', chest: 'views.onnx' };
    await brightnessOnnx(folder, 'network', ['knee', 'hand', 'chest'], {
      name: 'parts',
      thresholds,
      next,
      views: { our_view: { bodyPartExamined: 'KNEE', region: { value: '72696002', meaning: 'Knee' } } },
    });
    expect((await callApi(service, 'POST', '/networks/use', { body: { network: 'parts' } })).status).toBe(
      200,
    );
    const id = await store();
    const { network, cascade, category = '', labels, reason } = await record(id);
    expect(network.name).toBe('parts');
    expect(cascade?.map(({ network, top }) => [network.name, top[0]?.category])).toEqual([
      ['parts', expect.stringMatching(/^(knee|hand|chest)$/)],
      ['views', category],
    ]);
    expect(reason).toContain('; then views: ');
    expect(labels).toContain(category);
    const map = (await callApi(service, 'GET', `/instances/${id}/activation?category=${category}`)).json;
    expect(map).toMatchObject({ method: 'activation', category });
    expect(map.values).toHaveLength(map.rows * map.columns);
    const { categories } = (await callApi(service, 'GET', '/categories')).json;
    expect(categories).toContainEqual(
      expect.objectContaining({ name: 'our_view', bodyPartExamined: 'KNEE' }),
    );
    expect((await callApi(service, 'POST', '/networks/back')).status).toBe(200);
  });

  test('is for administrators, and is audited', async () => {
    const body = { network: 'turned' };
    for (const role of ['viewer', 'reviewer'] as const)
      expect((await callApi(service, 'POST', '/networks/use', { role, body })).status).toBe(403);
    expect((await callApi(service, 'POST', '/networks/use', { body, who: 'eve' })).status).toBe(200);
    await service.logged(/"who":"eve".*"action":"use network","target":"networks\/turned"/);
    expect((await callApi(service, 'POST', '/networks/back')).status).toBe(200);
  });

  test('to a network that is damaged or unknown changes nothing, and says why', async () => {
    const folder = join(stateDir, 'networks', 'damaged');
    await mkdir(folder);
    await writeFile(join(folder, 'network.pb'), 'nonsense');
    await writeFile(join(folder, 'classes.txt'), classes.join('\n'));
    const answer = await callApi(service, 'POST', '/networks/use', { body: { network: 'damaged' } });
    expect(answer).toMatchObject({ status: 422, json: { code: 'network_refused' } });
    expect(answer.json.title).toContain('frozen graph');
    const unknown = await command('network', 'use', '../../etc');
    expect(unknown).toMatchObject({ status: 1, out: expect.stringContaining('There is embedded') });
    expect(await deciding()).not.toBe('turned');
    expect((await record(await store())).network.name).not.toBe('turned');
  });

  test('that a kill cuts off has happened or not: the restart decides by what was kept', async () => {
    const random = seeded(7);
    const seen = new Set<string>();
    for (let round = 0; round < 6; round++) {
      const isBack = (await deciding()) === 'turned';
      const begun = callApi(service, 'POST', isBack ? '/networks/back' : '/networks/use', {
        body: isBack ? {} : { network: 'turned' },
      }).then(
        ({ status }) => status,
        () => undefined,
      );
      await new Promise((resolve) => setTimeout(resolve, 3000 * random()));
      await service.kill();
      const status = await begun;
      const kept = await readFile(join(stateDir, 'chosen-network.json'), 'utf8');
      const name = JSON.parse(kept).chosen.at(-1)?.name ?? 'plainview';
      if (status === 200) expect(name === 'turned').toBe(!isBack);
      service.start();
      await service.ready();
      expect((await deciding()) === 'turned').toBe(name === 'turned');
      seen.add(`${status}`);
    }
    // Some were cut off.
    expect(seen).toContain('undefined');
  }, 180_000);
});
