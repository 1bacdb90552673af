import { afterAll, beforeAll, expect, test } from 'vitest';
import { Categories } from '../../src/anatomy/categories.js';
import { explorer2 } from '../../src/commands/explorer2-configuration.js';
import { stubClassifier } from '../../testkit/classifier.js';
import { image, uid } from '../../testkit/dicom.js';
import { type StoredInstance, useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, Reader, startTestService, type TestService } from '../../testkit/service.js';

/* Orthanc Explorer 2 itself is not here: its buttons are done as it does them. */

const hook = await hookAddress();
const real = useOrthanc({ hook, explorer: true, configuration: { Plainview: { DefaultRole: 'admin' } } });
let service: TestService;

beforeAll(async () => {
  service = await startTestService({ orthanc: real.orthanc.url, hook, classifier: stubClassifier() });
});
afterAll(() => service.stop());

const buttons = [true, false].flatMap((plugin) =>
  Object.entries(
    explorer2({ plugin, labelPrefix: '', categories: Categories.read() }).OrthancExplorer2.UiOptions
      .CustomButtons,
  ).flatMap(([level, list]) =>
    list
      .filter(({ HttpMethod }) => HttpMethod !== 'GET')
      .map((button) => [level, plugin ? 'with' : 'without', button] as const),
  ),
);

test.each(buttons)('the button of a %s asks, %s the plugin', async (level, plugin, button) => {
  const stored: StoredInstance[] = [];
  for (const study of [1, 2])
    stored.push(await real.storeInstance(image({ studyInstanceUid: uid(`${level} ${plugin} ${study}`) })));
  const reader = new Reader(real.orthanc.url);
  for (const { orthancId } of stored) await reader.decided(orthancId);
  const [first] = stored;
  const meant = level === 'bulk-studies' ? stored : stored.slice(0, 1);
  const id = { study: first?.study, series: first?.series, instance: first?.orthancId }[level] ?? '';
  const answer = await fetch(new URL(button.Url.replace('{UUID}', id), `${real.orthanc.url}/ui/app/`), {
    method: button.HttpMethod,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(button.Payload)
      .replace('{UUID}', id)
      .replace('"{JsonArrayUUIDs}"', JSON.stringify(stored.map(({ study }) => study))),
  });
  expect(answer.ok).toBe(true);
  for (const { orthancId } of meant) {
    const requested = await waitFor(async () => (await reader.record(orthancId))?.requested);
    expect(requested.who).toBe(plugin === 'with' ? 'anonymous' : 'orthanc-explorer-2');
    expect(Math.abs(Date.now() - Date.parse(requested.when))).toBeLessThan(60_000);
  }
});
