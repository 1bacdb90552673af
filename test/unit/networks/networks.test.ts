import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Classifier } from '../../../src/classify/classifier.js';
import { DecidingClassifier } from '../../../src/classify/deciding.js';
import { loadConfig } from '../../../src/config/load.js';
import { createError } from '../../../src/errors/errors.js';
import { filesInUse, lastChoice } from '../../../src/networks/choice.js';
import { networkFiles, serviceOptions } from '../../../src/networks/classifier-options.js';
import { Networks } from '../../../src/networks/networks.js';
import { openClassifier } from '../../../src/networks/open.js';
import { FolderStore } from '../../../src/store/folder-store.js';
import { hold, type Stub, stubClassifier } from '../../../testkit/classifier.js';
import { goldenGraph } from '../../../testkit/classify/graphs.js';
import { silent } from '../../../testkit/fake-site.js';

let stateDir = '';
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'plainview-state-'));
  for (const name of ['knees', 'hips']) write(name);
});
afterEach(() => rmSync(stateDir, { recursive: true }));

function write(name: string, classes = 'a\nb\nc\nd\ne\n', graph = 'keras'): void {
  const folder = join(stateDir, 'networks', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'network.pb'), goldenGraph(graph));
  writeFileSync(join(folder, 'classes.txt'), classes);
  writeFileSync(join(folder, 'network.json'), JSON.stringify({ name: `our ${name}`, purpose: 'clinical' }));
}

/** Stubs in place of networks, by the name under which they are loaded. */
interface Loaded extends Stub {
  isClosed: boolean;
}
function loadable(letter: string): Loaded {
  const stub = { ...stubClassifier(letter.repeat(64)), isClosed: false };
  stub.close = async () => void Object.assign(stub, { isClosed: true });
  return stub;
}

function networksOn(
  env: NodeJS.ProcessEnv = {},
  parts: Partial<ConstructorParameters<typeof Networks>[0]> = {},
) {
  const stubs: Record<string, Loaded> = {
    embedded: loadable('0'),
    knees: loadable('1'),
    hips: loadable('2'),
  };
  const config = loadConfig({ PLAINVIEW_STATE_DIR: stateDir, ...env });
  const first = stubs.embedded as Loaded;
  const classifier = new DecidingClassifier(first);
  const switched: string[] = [];
  const networks = new Networks({
    config,
    classifier,
    store: new FolderStore(stateDir),
    check: () => undefined,
    onSwitched: () => switched.push(classifier.network.sha256.slice(0, 1)),
    load: async (name) => stubs[name] as Classifier,
    ...parts,
  });
  const stubOf = (name: string) => stubs[name] as Loaded;
  const now = () => classifier.network.sha256.slice(0, 1);
  return { config, networks, classifier, switched, stubOf, now };
}

const picture = Buffer.from('picture');
const refused = { code: 'network_refused' };

describe('the use of another network', () => {
  test('begins between two pictures: one that runs ends with the former network, which is closed', async () => {
    const { networks, classifier, stubOf } = networksOn();
    const former = stubOf('embedded');
    const gate = hold(former, { category: 'hand_ap', score: 0.9 });
    const running = classifier.classify(picture);
    await gate.reached;
    await networks.use('knees', 'alice');
    expect((await classifier.classify(picture)).network.sha256).toBe('1'.repeat(64));
    gate.release();
    expect((await running).network.sha256).toBe('0'.repeat(64));
    expect(former.isClosed).toBe(true);
    expect(stubOf('knees').isClosed).toBe(false);
  });

  test('is kept, with who chose it, and shown', async () => {
    const { networks, config } = networksOn();
    expect(await networks.list()).not.toHaveProperty('chosen');
    const list = await networks.use('knees', 'alice');
    expect(list).toMatchObject({ chosen: { who: 'alice' }, before: 'embedded' });
    expect(list.networks.filter(({ decides }) => decides).map(({ name }) => name)).toEqual(['knees']);
    expect(await lastChoice(config)).toMatchObject({ name: 'knees', sha256: '1'.repeat(64), who: 'alice' });
    expect((await filesInUse(config)).graph).toBe(join(stateDir, 'networks', 'knees', 'network.pb'));
  });

  test('goes back step by step, to PLAINVIEW_NETWORK in the end', async () => {
    const { networks, switched } = networksOn();
    for (const name of ['knees', 'hips', 'knees']) await networks.use(name, 'alice');
    for (let i = 0; i < 3; i++) await networks.back();
    await expect(networks.back()).rejects.toMatchObject({ code: 'network_first' });
    expect(switched).toEqual(['1', '2', '1', '2', '1', '0']);
    expect(await networks.list()).not.toHaveProperty('chosen');
  });

  test('that is in use already is loaded once more: its files may have changed; it is one step back', async () => {
    const { networks, switched } = networksOn();
    for (const name of ['knees', 'knees']) await networks.use(name, 'alice');
    await networks.back();
    expect(switched).toEqual(['1', '1', '0']);
  });

  test.each<[string, string, object, Partial<ConstructorParameters<typeof Networks>[0]>]>([
    [
      'cannot be loaded',
      'knees',
      { ...refused, message: expect.stringContaining('does not fit') },
      { load: () => Promise.reject(createError('network_mismatch', { problem: 'does not fit' })) },
    ],
    [
      'does not fit the site',
      'knees',
      { ...refused, message: expect.stringContaining('no knees') },
      {
        check: () => {
          throw createError('config_invalid', { problems: ['no knees'] });
        },
      },
    ],
    [
      'is not there',
      'shoulders',
      { code: 'network_unknown', message: expect.stringContaining('hips, knees') },
      {},
    ],
    ['is named by a path', '../networks/knees', { code: 'network_unknown' }, {}],
  ])('that %s changes nothing and says why', async (_, name, error, parts) => {
    const { networks, config, now, switched, stubOf } = networksOn({}, parts);
    await expect(networks.use(name, 'alice')).rejects.toMatchObject(error);
    expect([now(), switched, await lastChoice(config)]).toEqual(['0', [], undefined]);
    if ('check' in parts) expect(stubOf('knees').isClosed).toBe(true);
    // And another try is possible.
    await expect(networks.use(name, 'alice')).rejects.toMatchObject(error);
  });

  test('that cannot be kept changes nothing', async () => {
    const store = new FolderStore(stateDir);
    store.write = () => Promise.reject(createError('state_unusable', { folder: stateDir, why: 'full' }));
    const { networks, now, stubOf } = networksOn({}, { store });
    await expect(networks.use('knees', 'alice')).rejects.toMatchObject({ code: 'state_unusable' });
    expect([now(), stubOf('knees').isClosed]).toEqual(['0', true]);
  });

  test('that comes after the end of the service leaves no process behind', async () => {
    const { networks, classifier, stubOf, now } = networksOn();
    await classifier.close();
    await networks.use('knees', 'alice');
    expect([now(), stubOf('knees').isClosed]).toEqual(['0', true]);
  });

  test('is broken off by the end of the service', async () => {
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const load = (_: string, cancelled: AbortSignal) =>
      new Promise<Classifier>((_, reject) => {
        begin();
        cancelled.addEventListener('abort', () =>
          reject(createError('classifier_crashed', { why: 'closed' })),
        );
      });
    const { networks, config } = networksOn({}, { load });
    const use = networks.use('knees', 'alice');
    const broken = expect(use).rejects.toMatchObject(refused);
    await begun;
    networks.stop();
    await broken;
    await expect(networks.use('knees', 'alice')).rejects.toMatchObject({ code: 'classifier_closed' });
    expect(await lastChoice(config)).toBeUndefined();
  });

  test('is refused while another one is being loaded', async () => {
    let release = () => {};
    const loaded = new Promise<Classifier>((resolve) => {
      release = () => resolve(loadable('1'));
    });
    const { networks, now } = networksOn({}, { load: () => loaded });
    const first = networks.use('knees', 'alice');
    await expect(networks.use('hips', 'bob')).rejects.toMatchObject({ code: 'busy' });
    release();
    await first;
    expect(now()).toBe('1');
  });

  test('is refused where several services share the archive, which says how to do it', async () => {
    const { networks, now } = networksOn({ PLAINVIEW_DATABASE_URL: 'postgresql://localhost/plainview' });
    const error = { code: 'network_shared', message: expect.stringMatching(/Set PLAINVIEW_NETWORK .* all/) };
    await expect(networks.use('knees', 'alice')).rejects.toMatchObject(error);
    await expect(networks.back()).rejects.toMatchObject(error);
    expect(now()).toBe('0');
    expect((await networks.list()).networks.map(({ name }) => name)).toContain('knees');
  });
});

test('the list shows each network, which one decides, and which one is the shadow; a damaged one says why', async () => {
  write('broken', 'a\nb\na\n');
  const { networks } = networksOn({ PLAINVIEW_SHADOW_NETWORK: 'hips' });
  const { networks: list } = await networks.list();
  expect(list.find(({ name }) => name === 'knees')).toMatchObject({
    title: 'our knees',
    purpose: 'clinical',
    classes: ['a', 'b', 'c', 'd', 'e'],
    when: expect.stringMatching(/^20/),
    decides: false,
    isShadow: false,
  });
  expect(list.filter(({ isShadow }) => isShadow).map(({ name }) => name)).toEqual(['hips']);
  expect(list.filter(({ decides }) => decides).map(({ name }) => name)).toEqual(['embedded']);
  expect(list.find(({ name }) => name === 'broken')?.problem).toContain('"a" twice');
});

test('a name is that of a folder in the state folder, a path stays a path', () => {
  const of = (network: string) => networkFiles({ network, labels: undefined, stateDir }).graph;
  expect(of('knees')).toBe(join(stateDir, 'networks', 'knees', 'network.pb'));
  for (const path of ['./knees', '/srv/knees.pb', 'elbows.pb', '..']) expect(of(path)).toBe(path);
});

test('a folder can hold an ONNX file in place of a frozen graph', () => {
  const folder = join(stateDir, 'networks', 'feet');
  mkdirSync(folder);
  writeFileSync(join(folder, 'network.onnx'), '');
  expect(networkFiles({ network: 'feet', labels: undefined, stateDir })).toEqual({
    graph: join(folder, 'network.onnx'),
  });
});

test('names of input and output belong to PLAINVIEW_NETWORK, and to no other network', () => {
  const config = loadConfig({
    PLAINVIEW_STATE_DIR: stateDir,
    PLAINVIEW_NETWORK: 'hips',
    PLAINVIEW_INPUT_LAYER: 'a',
    PLAINVIEW_OUTPUT_LAYER: 'b',
    PLAINVIEW_SHADOW_NETWORK: 'knees',
  });
  expect(serviceOptions(config)).toMatchObject({ inputLayer: 'a', outputLayer: 'b' });
  expect(serviceOptions(config).shadow).toEqual({ graph: join(stateDir, 'networks', 'knees', 'network.pb') });
  expect(serviceOptions(config, 'knees').inputLayer).toBeUndefined();
});

describe('at the start', () => {
  const open = async (env: NodeJS.ProcessEnv = {}) => {
    const config = loadConfig({
      PLAINVIEW_STATE_DIR: stateDir,
      PLAINVIEW_NETWORK: 'hips',
      PLAINVIEW_ENGINE: 'wasm',
      PLAINVIEW_WORKERS: '1',
      ...env,
    });
    const classifier = await openClassifier(config, silent);
    await classifier.close();
    return classifier;
  };

  test('PLAINVIEW_NETWORK decides where none was chosen, else the chosen one, without the options of the other one', async () => {
    const five = join(stateDir, 'names.txt');
    writeFileSync(five, 'v\nw\nx\ny\nz\n');
    const env = { PLAINVIEW_LABELS: five, PLAINVIEW_THRESHOLD: '0.5' };
    expect((await open(env)).network).toMatchObject({ name: 'our hips', classes: ['v', 'w', 'x', 'y', 'z'] });
    await networksOn().networks.use('knees', 'alice');
    const { name, classes, thresholds } = (await open(env)).network;
    expect([name, classes.join('')]).toEqual(['our knees', 'abcde']);
    expect(thresholds.threshold).not.toBe(0.5);
  });

  test('a chosen network that is gone ends the start, and the message says what to do', async () => {
    await networksOn().networks.use('knees', 'alice');
    rmSync(join(stateDir, 'networks', 'knees'), { recursive: true });
    await expect(open()).rejects.toMatchObject({
      code: 'network_lost',
      message: expect.stringMatching(/knees.*delete .*chosen-network\.json/),
    });
    rmSync(join(stateDir, 'chosen-network.json'));
    expect((await open()).network.name).toBe('our hips');
  });

  test('a damaged choice ends the start: another network must not decide unnoticed', async () => {
    writeFileSync(join(stateDir, 'chosen-network.json'), '{');
    await expect(open()).rejects.toMatchObject({ code: 'state_damaged' });
  });

  test('several services on one database all have PLAINVIEW_NETWORK', async () => {
    await networksOn().networks.use('knees', 'alice');
    const { network } = await open({ PLAINVIEW_DATABASE_URL: 'postgresql://localhost/plainview' });
    expect(network.name).toBe('our hips');
  });
});
