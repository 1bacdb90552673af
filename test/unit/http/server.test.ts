import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HttpServer } from '../../../src/http/server.js';
import { waitFor } from '../../../testkit/wait-for.js';

const most = 20;
let server: HttpServer;

beforeEach(async () => {
  server = new HttpServer(
    (_request, response) => response.end('answered'),
    { host: '127.0.0.1', port: 0 },
    {
      most,
      headersMs: 400,
      requestMs: 800,
    },
  );
  await server.start();
});
afterEach(() => server.stop(AbortSignal.abort()));

/** @returns when the server closes it */
async function connect(sends = ''): Promise<{ closed: Promise<unknown>; socket: Socket }> {
  const socket = createConnection(Number(new URL(server.url).port), '127.0.0.1');
  socket.on('error', () => undefined).resume();
  const closed = once(socket, 'close');
  await Promise.race([once(socket, 'connect'), closed]);
  socket.write(sends);
  return { closed, socket };
}

const answered = async () => (await fetch(server.url, { headers: { connection: 'close' } })).text();

test.each([
  ['sends nothing', ''],
  ['stops within the headers', 'POST / HTTP/1.1\r\nHost: a\r\n'],
  ['stops within the body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf'],
])('a connection that %s is closed', async (_, sends) => {
  const { closed } = await connect(sends);
  await closed;
});

test('many connections that send nothing hold up others only until they are closed', async () => {
  const idle = await Promise.all(Array.from({ length: most }, () => connect()));
  await (await connect()).closed; // one too many
  await Promise.all(idle.map(({ closed }) => closed));
  expect(await answered()).toBe('answered');
});

test('another application answers from the next request on, on connections that are open too', async () => {
  const { socket } = await connect();
  const ask = async () => {
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    return String((await once(socket, 'data'))[0]);
  };
  expect(await ask()).toContain('answered');
  let finish: (() => void) | undefined;
  server.app = (_request, response) => {
    finish = () => response.end('the second');
  };
  const running = ask();
  await waitFor(() => finish !== undefined);
  server.app = (_request, response) => response.end('the third');
  finish?.();
  expect(await running).toContain('the second');
  expect(await ask()).toContain('the third');
});
