import { createServer } from 'node:net';
import { createError } from '../errors/errors.js';

/** Tests the port by listening on it for a moment. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)));
  });
}

/** Below Linux's range for outgoing connections. Else such a connection could take the port before its user does. */
const range = { from: 20_000, to: 32_000 };

/** A free port on 127.0.0.1: the preferred one if it is free. */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred))) return preferred;
  for (let tries = 0; tries < 20; tries++) {
    const port = range.from + Math.floor(Math.random() * (range.to - range.from));
    if (await isFree(port)) return port;
  }
  throw createError('sandbox_unavailable', { why: 'no port is free on 127.0.0.1' });
}
