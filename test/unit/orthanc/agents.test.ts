import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { OrthancNode } from '../../../src/orthanc/node.js';
import { Orthanc } from '../../../src/orthanc/orthanc.js';
import { seeded } from '../../../testkit/random.js';

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

// All connections are read into the same memory.
test('what many connections bring at the same time, and what a slow reader has not taken yet, stays apart', async () => {
  const random = seeded(3);
  const contentOf = (n: number) => Buffer.alloc(300_000 + n * 7919, `${n} `);
  const server = createServer(async (request, response) => {
    const content = contentOf(Number(/\d+/.exec(request.url ?? '')?.[0]));
    for (let at = 0; at < content.length; ) {
      const next = at + 1 + Math.floor(random() * 90_000);
      if (!response.write(content.subarray(at, next))) await once(response, 'drain');
      await setImmediate();
      at = next;
    }
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const node = new OrthancNode(
    url,
    loadConfig({ PLAINVIEW_ORTHANC_URL: url, PLAINVIEW_ORTHANC_CONNECTIONS: '16' }),
    {},
    new AbortController().signal,
  );
  const whole = async (n: number) => {
    const { body } = await node.send({ method: 'GET', url: `/${n}` }, false, (call) => call());
    return body;
  };
  const slowly = async (n: number) => {
    const chunks: Buffer[] = [];
    for await (const chunk of node.stream(`/${n}`, AbortSignal.timeout(20_000))) {
      chunks.push(chunk);
      await setImmediate();
    }
    return Buffer.concat(chunks);
  };
  const received = async (n: number) => {
    const parts: Buffer[] = [];
    const receiver = () => ({ write: (chunk: Buffer) => void parts.push(Buffer.from(chunk)) });
    await node.send({ method: 'GET', url: `/${n}`, receiver }, false, (call) => call());
    return Buffer.concat(parts);
  };
  await Promise.all(
    Array.from({ length: 30 }, async (_, n) => {
      const body = await ([whole, slowly, received][n % 3] ?? whole)(n);
      expect(body.equals(contentOf(n)), `answer ${n}`).toBe(true);
    }),
  );
  node.close();
  server.close();
});
