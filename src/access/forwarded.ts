import { createHmac } from 'node:crypto';
import { deriveKey } from './keys.js';
import { sameSecret } from './secret.js';

/** What a process puts on a request that it forwards to the leader: time in ms, HMAC, address of the client. */
export const forwardedHeader = 'x-plainview-forwarded';
const form = /^(\d{13})\.([0-9a-f]{64})\.(\S+)$/;

/** How far apart the clocks of two processes may be, and how long a header that was overheard is of use. */
const windowMs = 60_000;

const macOf = (secret: string, time: string, address: string): string =>
  createHmac('sha256', deriveKey(secret, 'forward')).update(`${time}\n${address}`).digest('hex');

/** The header for a request of the client with this address. */
export function forwardedFor(secret: string, address: string, now = Date.now()): string {
  const time = String(now);
  return [time, macOf(secret, time, address), address].join('.');
}

/** A request, as express has it. */
interface ReceivedRequest {
  /** Of the other end of the connection. Undefined where that end has left. */
  ip?: string | undefined;
  get(name: string): string | undefined;
}

/** The address of the client: as the process that forwarded the request says, where it has the secret. */
export function clientAddress(secret: string, request: ReceivedRequest, now = Date.now()): string {
  const [, time = '', mac = '', address = ''] = form.exec(request.get(forwardedHeader) ?? '') ?? [];
  const isGenuine = sameSecret(mac, macOf(secret, time, address));
  return isGenuine && Math.abs(now - Number(time)) <= windowMs ? address : (request.ip ?? '');
}
