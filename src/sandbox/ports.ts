import { createServer, type Server } from 'node:net';
import { createError } from '../errors/errors.js';

const host = '127.0.0.1';

/** @returns undefined where the port is not free */
function listenOn(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ host, port }, () => resolve(server));
  });
}

/** Tests the port by listening on it for a moment. */
export async function isFree(port: number): Promise<boolean> {
  const server = await listenOn(port);
  if (server === undefined) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

/** Below Linux's range for outgoing connections. Else such a connection could take the port before its user does. */
const first = 20_000;
const ports = 6000;

/** Listens beyond the range while this process lives: a process that looks before the port is used takes another one. */
async function reserve(port: number): Promise<boolean> {
  const server = await listenOn(port + ports);
  server?.unref();
  return server !== undefined;
}

/** A free port on 127.0.0.1: the preferred one if it is free. No other process is given one that was not preferred. */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred))) return preferred;
  for (let tries = 0; tries < 20; tries++) {
    const port = first + Math.floor(Math.random() * ports);
    if ((await reserve(port)) && (await isFree(port))) return port;
  }
  throw createError('sandbox_unavailable', { why: 'no port is free on 127.0.0.1' });
}
