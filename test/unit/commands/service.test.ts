import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { callService } from '../../../src/commands/service-client.js';
import { loadConfig } from '../../../src/config/load.js';

let server: Server | undefined;
afterEach(() => server?.close());

/** The message of a command after this answer of the service. */
async function messageAfter(status: number, type: string, body: string): Promise<string> {
  const answering = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': type }).end(body);
  });
  server = answering;
  await new Promise<void>((resolve) => answering.listen(0, '127.0.0.1', resolve));
  const config = loadConfig({ PLAINVIEW_PORT: String((answering.address() as AddressInfo).port) });
  return callService(z.object({}), config, { method: 'GET', path: '/api/v1/sweep' }).then(
    () => 'nothing',
    (error: Error) => error.message,
  );
}

test('the secret is not sent, because another program may listen at the port', async () => {
  let received: IncomingMessage['headers'] = {};
  const listening = createServer(({ headers }, response) => {
    received = headers;
    response.end('{}');
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const config = loadConfig({
    PLAINVIEW_PORT: String((listening.address() as AddressInfo).port),
    PLAINVIEW_SECRET: 'between Orthanc and us',
  });
  await callService(z.object({}), config, {
    method: 'POST',
    path: '/api/v1/sweep',
    body: { order: 'newest' },
  }).catch(() => undefined);
  expect(received['x-plainview-role']).toBe('command line');
  expect(received['x-plainview-signature']).toMatch(/^[0-9a-f.]+$/);
  expect(JSON.stringify(received)).not.toContain('between Orthanc and us');
});

const problem = (title: string) => ['application/problem+json', JSON.stringify({ title })] as const;

test('a refusal of the service is shown with its own title', async () => {
  expect(await messageAfter(400, ...problem('No rule sends to this destination.'))).toBe(
    'The service refused: No rule sends to this destination.',
  );
});

test.each([
  ['refuses the secret', 401, ...problem('The request carries no valid token.')],
  ['is another program', 404, 'text/html', '<html>'],
] as const)(
  'the message names service and secret as possible causes if the server %s',
  async (_what, status, type, body) => {
    expect(await messageAfter(status, type, body)).toMatch(
      /Check that it runs and that PLAINVIEW_SECRET is the same here\./,
    );
  },
);
