import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test, vi } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { Orthanc } from '../../../src/orthanc/orthanc.js';

// Orthanc holds a thread for each open connection, also for an idle one.
test('of many connections that were used at once, few stay open when they are idle', async () => {
  let open = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  const server = createServer((_request, response) => {
    waiting.push(() => response.end('{"Version":"1.13.0"}'));
  });
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => {
    most = Math.max(most, ++open);
    socket.on('close', () => open--);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const orthanc = new Orthanc(
    loadConfig({
      PLAINVIEW_ORTHANC_URL: `http://127.0.0.1:${port}`,
      PLAINVIEW_ORTHANC_CONNECTIONS: '8',
      PLAINVIEW_ORTHANC_RETRIES: '0',
    }),
  );
  const calls = Array.from({ length: 8 }, () => orthanc.system().catch(() => undefined));
  await vi.waitUntil(() => waiting.length === 8);
  for (const answer of waiting.splice(0)) answer();
  await Promise.all(calls);
  expect(most).toBe(8);
  await vi.waitUntil(() => open <= 2, { timeout: 5000 });

  // The next call uses one of them.
  const next = orthanc.system().catch(() => undefined);
  await vi.waitUntil(() => waiting.length === 1);
  expect(open).toBe(2);
  for (const answer of waiting.splice(0)) answer();
  await next;
  orthanc.close();
  server.close();
});
