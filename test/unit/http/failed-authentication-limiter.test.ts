import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { authenticator } from '../../../src/access/authenticate.js';
import { hookKey } from '../../../src/access/keys.js';
import { Signatures } from '../../../src/access/signature.js';
import { apiRouter } from '../../../src/http/api/router.js';
import { createApp } from '../../../src/http/app.js';
import { failedAuthenticationLimiter } from '../../../src/http/failed-authentication-limiter.js';
import { hookRouter } from '../../../src/http/hook.js';
import { Metrics } from '../../../src/metrics/metrics.js';

test('failures at the hook and at the API are counted together', async () => {
  const secret = 'a-secret-of-the-tests';
  const log = pino({ level: 'silent' });
  const limiter = failedAuthenticationLimiter(10);
  const metrics = new Metrics();
  const authenticate = authenticator(new Signatures(secret), []);
  const server = createServer(
    createApp(
      [
        hookRouter({ key: hookKey(secret), limiter, metrics, log, accept: () => undefined }),
        apiRouter([], { authenticate, limiter, perMinute: 1000, log }),
      ],
      log,
    ),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const guess = async (
    path: string,
    headers: Record<string, string> = {
      'x-plainview-hook-key': 'guessed',
      'x-plainview-signature': 'guessed',
    },
  ) => {
    return (await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body: '{}' })).status;
  };
  try {
    // A request without credentials is not a guess: the page sends one to learn whether a sign-in is needed.
    for (let n = 0; n < 12; n++) expect(await guess('/api/v1/requests', {})).toBe(401);
    for (let n = 0; n < 5; n++) {
      expect(await guess('/hook')).toBe(401);
      expect(await guess('/api/v1/requests')).toBe(401);
    }
    expect(await guess('/hook')).toBe(429);
    expect(await guess('/api/v1/requests')).toBe(429);
  } finally {
    server.close();
  }
});
