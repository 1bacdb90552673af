import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { differing, settingsOf } from '../../../src/app/settings.js';
import { loadConfig } from '../../../src/config/load.js';
import { stubClassifier } from '../../../testkit/classifier.js';

const folder = mkdtempSync(join(tmpdir(), 'plainview-settings-'));
afterAll(() => rmSync(folder, { recursive: true }));
const { network } = stubClassifier();
const secret = 'of tests alone, 123';
const of = (env: Record<string, string> = {}, mayLead = true, other = network, shadow?: typeof network) =>
  settingsOf(
    loadConfig({ PLAINVIEW_SECRET: secret, ...env }),
    { network: other, shadow: shadow && { network: shadow } },
    mayLead,
  );
const file = (name: string, content: string) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

test.each([
  ['PLAINVIEW_ORTHANC_URL', 'http://other:8042'],
  ['PLAINVIEW_SECRET', 'another one of tests'],
  ['PLAINVIEW_LABEL_PREFIX', 'xr-'],
  ['PLAINVIEW_MODALITIES', 'DX'],
  ['PLAINVIEW_REPORT', 'study'],
  ['PLAINVIEW_TAGS', 'absent'],
])('tell that %s differs', (name, value) => {
  expect(differing(of(), of({ [name]: value }))).toEqual([name]);
});

test('tell of another description of the same ONNX network', () => {
  const [one, two] = ['1', '2'].map((form) => of({}, true, { ...network, form }));
  expect(differing(one ?? {}, two ?? {})).toEqual(['PLAINVIEW_NETWORK']);
});

test('tell of another network', () => {
  const other = { ...network, sha256: 'f'.repeat(64) };
  expect(differing(of(), of({}, true, other))).toEqual(['PLAINVIEW_NETWORK']);
});

test('tell of another shadow network, wherever its file is', () => {
  const shadow = { ...network, sha256: 'c'.repeat(64) };
  expect(differing(of(), of({}, true, network, shadow))).toEqual(['PLAINVIEW_SHADOW_NETWORK']);
  const other = of({ PLAINVIEW_SHADOW_NETWORK: '/elsewhere.pb' }, true, network, shadow);
  expect(differing(of({ PLAINVIEW_SHADOW_NETWORK: 'ours' }, true, network, shadow), other)).toEqual([]);
});

test('tell of another content of a file, and not of another place', () => {
  const one = of({ PLAINVIEW_RULES_FILE: file('one.yaml', 'version: 1') });
  expect(differing(one, of({ PLAINVIEW_RULES_FILE: file('two.yaml', 'version: 1') }))).toEqual([]);
  expect(differing(one, of({ PLAINVIEW_RULES_FILE: file('three.yaml', 'version: 2') }))).toEqual([
    'PLAINVIEW_RULES_FILE',
  ]);
  expect(differing(one, of())).toEqual(['PLAINVIEW_RULES_FILE']);
  const views = of({ PLAINVIEW_VIEWS_FILE: file('views.yaml', 'views: {}') });
  expect(differing(views, of({ PLAINVIEW_VIEWS_FILE: file('other.yaml', 'views: {}') }))).toEqual([]);
  expect(differing(views, of({ PLAINVIEW_VIEWS_FILE: file('more.yaml', 'views: { }') }))).toEqual([
    'PLAINVIEW_VIEWS_FILE',
  ]);
});

test('say nothing of what belongs to one machine, or of what a worker does not need', () => {
  const ofMachine = { PLAINVIEW_HOST: '0.0.0.0', PLAINVIEW_PORT: '9000', PLAINVIEW_CONCURRENCY: '9' };
  expect(differing(of(), of(ofMachine))).toEqual([]);
  const serving = of({ PLAINVIEW_SWEEP: '@daily' });
  expect(differing(serving, of())).toEqual(['PLAINVIEW_SWEEP']);
  expect(differing(serving, of({}, false))).toEqual([]);
});

test('hold nothing from which a secret can be found out', () => {
  for (const fingerprint of Object.values(of())) expect(fingerprint).toMatch(/^[0-9a-f]{4}$/);
});
