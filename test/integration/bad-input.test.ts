import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hookKey } from '../../src/access/keys.js';
import { type Classifier, createClassifier } from '../../src/classify/classifier.js';
import { loadConfig } from '../../src/config/load.js';
import { classifierOptions } from '../../src/networks/classifier-options.js';
import { type ImageOptions, image } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, Reader, startTestService, type TestService } from '../../testkit/service.js';

/** This uses the real network, so that pictures that cannot be decoded really fail. */
const hook = await hookAddress();
const real = useOrthanc({ hook });
let service: TestService<Classifier>;
let reader: Reader;

beforeAll(async () => {
  const classifier = await createClassifier(classifierOptions(loadConfig({ PLAINVIEW_WORKERS: '1' })));
  const env = { PLAINVIEW_ATTEMPTS: '2', PLAINVIEW_MAX_MEGAPIXELS: '110', PLAINVIEW_ORTHANC_RETRIES: '0' };
  service = await startTestService({ orthanc: real.orthanc.url, hook, classifier, env });
  reader = new Reader(real.orthanc.url);
});
afterAll(async () => {
  await service?.stop();
  await service?.classifier.close();
});

const decided: [string, ImageOptions][] = [
  ['8 bit', { bitsStored: 8 }],
  ['16 bit', { bitsStored: 16 }],
  ['MONOCHROME1', { photometricInterpretation: 'MONOCHROME1' }],
  ['RGB', { photometricInterpretation: 'RGB', bitsStored: 8 }],
  ['multi-frame', { frames: 3 }],
  ['1 × 2 pixels', { rows: 1, columns: 2 }],
  ['1 × 5000 pixels', { rows: 1, columns: 5000 }],
  ['10000 × 10000 pixels', { rows: 10_000, columns: 10_000, bitsStored: 8 }],
];

test.each(decided)('%s is decided like any other', async (_what, options) => {
  const { orthancId, study } = await real.storeInstance(image(options));
  await reader.decided(orthancId);
  const record = await reader.record(orthancId);
  expect(record?.decision).not.toBe('failed');
  expect(record?.top).toHaveLength(5);
  expect(await reader.labels(`studies/${study}`)).toEqual(record?.labels);
});

describe('an instance that can never be classified is marked soon, with the reason', () => {
  const failing: [string, ImageOptions, string][] = [
    ['truncated pixels', { truncateBy: 100 }, 'instance_not_renderable'],
    ['1 × 1 pixel', { rows: 1, columns: 1 }, 'picture_uniform'],
    [
      'RGB of one value',
      { photometricInterpretation: 'RGB', bitsStored: 8, pixels: new Uint8Array(64 * 64 * 3) },
      'picture_uniform',
    ],
    [
      'JPEG 2000 without the plugin for it',
      { compressed: { transferSyntax: 'jpeg2000Lossless', frames: [Buffer.from('no code stream')] } },
      'instance_not_renderable',
    ],
    ['more pixels than are allowed', { rows: 11_000, columns: 11_000, bitsStored: 8 }, 'picture_too_large'],
  ];

  test.each(failing)('%s', async (_what, options, code) => {
    const { orthancId, study, series } = await real.storeInstance(image(options));
    expect(await reader.decided(orthancId)).toBe('unknown');
    expect(await reader.record(orthancId)).toMatchObject({ decision: 'failed', failure: { code } });
    for (const resource of [`instances/${orthancId}`, `series/${series}`, `studies/${study}`])
      expect(await reader.labels(resource)).toEqual(['classification_failed']);
    const tries = (await service.metrics()).match(new RegExp(`failures_total\\{code="${code}"\\} (\\d+)`));
    expect(Number(tries?.[1])).toBeGreaterThan(0);
  });

  test('and none of these disturbs the next radiograph', async () => {
    const { orthancId } = await real.storeInstance(image());
    await reader.decided(orthancId);
    expect((await reader.record(orthancId))?.decision).not.toBe('failed');
  });
});

describe('a call of the hook', () => {
  const call = (init: RequestInit) => fetch(`${service.url}/hook`, { method: 'POST', ...init });
  const secret = { 'x-plainview-hook-key': hookKey(hook.secret) };
  const body = JSON.stringify({
    instance: '00000001-00000002-00000003-00000004-00000005',
    modality: 'DX',
    sopClass: '1.2.840.10008.5.1.4.1.1.1.1',
    change: 'NewInstance',
  });

  test.each<[string, RequestInit, number, string]>([
    ['without a secret', { body }, 401, 'unauthorised'],
    ['with a wrong key', { body, headers: { 'x-plainview-hook-key': 'x'.repeat(64) } }, 401, 'unauthorised'],
    [
      'with the secret itself, as older hooks sent it',
      { body, headers: { 'x-plainview-secret': hook.secret } },
      401,
      'secret_sent',
    ],
    [
      'with the secret in place of the key',
      { body, headers: { 'x-plainview-hook-key': hook.secret } },
      401,
      'unauthorised',
    ],
    ['without a body', { headers: secret }, 400, 'request_malformed'],
    ['that is not JSON', { headers: secret, body: '{"instance":' }, 400, 'request_malformed'],
    ['without an instance', { headers: secret, body: '{}' }, 400, 'request_malformed'],
    [
      'with a path for an instance',
      { headers: secret, body: body.replace('00000001', '../../etc') },
      400,
      'request_malformed',
    ],
    ['of 10 MB', { headers: secret, body: 'x'.repeat(10_000_000) }, 413, 'request_too_large'],
  ])('%s is refused with its error code', async (_what, init, status, code) => {
    const answer = await call(init);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toMatch('application/problem+json');
    expect(await answer.json()).toMatchObject({ status, code });
  });

  test('is answered with a body, because Orthanc takes an empty body for a failure', async () => {
    const answer = await call({ headers: secret, body });
    expect(answer.status).toBe(202);
    expect(await answer.json()).toEqual({ queued: true });
  });

  test('at any other address is not found', async () => {
    const answer = await fetch(`${service.url}/nowhere`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ code: 'route_unknown' });
  });
});

test('health and metrics show what is in use', async () => {
  const ready = (await (await fetch(`${service.url}/health/ready`)).json()) as Record<string, unknown>;
  expect(ready).toMatchObject({
    ready: true,
    network: { purpose: 'research', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    engine: { engine: expect.any(String), declined: expect.any(Array) },
    orthanc: { answers: true, version: expect.any(String) },
  });
  expect(await (await fetch(`${service.url}/health/live`)).json()).toMatchObject({
    live: true,
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
  });
  const metrics = await service.metrics();
  for (const stage of ['describe', 'render', 'decode', 'prepare', 'infer', 'record', 'total'])
    expect(metrics).toMatch(new RegExp(`plainview_stage_seconds_count{stage="${stage}"} [1-9]`));
  await waitFor(async () => (await service.metrics()).includes('plainview_queue_jobs{state="waiting"} 0'));
});
