import { expect, test, vi } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { Orthanc } from '../../../src/orthanc/orthanc.js';
import { Listener } from '../../../testkit/listener.js';

// A real server, because nock's connections do not end with their agent.
test('closing the client aborts running calls; after that no call is repeated or begun', async () => {
  const silent = await new Listener().listen();
  silent.answer = 'never';
  const orthanc = new Orthanc(
    loadConfig({
      PLAINVIEW_ORTHANC_URL: new URL(silent.url).origin,
      PLAINVIEW_ORTHANC_TIMEOUT_MS: '600000',
      PLAINVIEW_ORTHANC_CONNECTIONS: '1',
    }),
  );
  const [underWay, waiting] = [orthanc.system(), orthanc.system()].map((call) =>
    call.catch((error: Error) => error.message),
  );
  await vi.waitUntil(() => silent.requests.length > 0);
  orthanc.close();
  for (const call of [underWay, waiting, orthanc.system().catch((error: Error) => error.message)])
    expect(await call).toContain('Plainview stops');
  expect(silent.requests).toHaveLength(1);
  await silent.close();
});
