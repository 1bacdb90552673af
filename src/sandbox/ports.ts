import { createServer } from 'node:net';
import { fail } from '../errors.js';

/** Listens for a moment. @returns the port, or undefined if it is taken */
function listen(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ host: '127.0.0.1', port }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}

export const isFree = async (port: number): Promise<boolean> => (await listen(port)) !== undefined;

/** A free port on 127.0.0.1: the preferred one if it can be had. */
export async function freePort(preferred = 0): Promise<number> {
  const port = (await listen(preferred)) ?? (await listen(0));
  if (port === undefined) throw fail('sandbox_unavailable', { why: 'no port is free on 127.0.0.1' });
  return port;
}
