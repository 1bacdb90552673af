import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createError } from '../errors/errors.js';
import type { Role } from './caller.js';
import { deriveKey } from './keys.js';
import { sameSecret } from './secret.js';

/** A request as it is signed. */
export interface SignedRequest {
  method: string;
  /** Path and query, exactly as the service receives them. */
  target: string;
  /** Percent-encoded UTF-8. */
  user: string;
  role: string;
}

/** In place of a role: a command of Plainview calls, for the user of the operating system. */
export const commandRole = 'command line';

/** `X-Plainview-Signature`: time in ms, nonce, SHA-256 of the body, HMAC. */
export const signatureHeader = 'x-plainview-signature';
export const answerHeader = 'x-plainview-answer';
const form = /^(\d{13})\.([0-9a-f]{32})\.([0-9a-f]{64})\.([0-9a-f]{64})$/;

/** How far apart the clocks of Orthanc's plugin and the service may be. */
const windowMs = 60_000;

/** By how much the wall clock, which counts whole milliseconds and is adjusted in steps, may differ from `performance.now`. */
const steadyMs = 10;

const sha256 = (body: string | Buffer): string => createHash('sha256').update(body).digest('hex');

function macOf(
  secret: string,
  request: SignedRequest,
  [time, nonce, body]: [string, string, string],
): string {
  const { method, target, user, role } = request;
  const text = [time, nonce, body, method, target, user, role].join('\n');
  return createHmac('sha256', deriveKey(secret, 'request')).update(text).digest('hex');
}

/** The headers of a signed request. The secret itself is never sent. */
export function signedHeaders(
  secret: string,
  {
    method,
    target,
    who,
    role,
    body = '',
  }: Record<'method' | 'target' | 'who', string> & { role: Role | typeof commandRole; body?: string },
  now = Date.now(),
): Record<string, string> {
  const user = encodeURIComponent(who);
  const parts: [string, string, string] = [String(now), randomBytes(16).toString('hex'), sha256(body)];
  const mac = macOf(secret, { method, target, user, role }, parts);
  return {
    'x-plainview-user': user,
    'x-plainview-role': role,
    [signatureHeader]: [...parts, mac].join('.'),
  };
}

/** What `X-Plainview-Answer` contains: it proves that the service gave this answer to the request with this signature. */
export function answerMac(
  secret: string,
  signature: string,
  answer: { status: number; type: string; body: string | Buffer },
): string {
  const text = [signature, answer.status, answer.type, sha256(answer.body)].join('\n');
  return createHmac('sha256', deriveKey(secret, 'answer')).update(text).digest('hex');
}

/** Whether a signed request has this body. @param signature as `Signatures.check` has accepted it */
export const isSignedBody = (signature: string, body: string | Buffer): boolean =>
  form.exec(signature)?.[3] === sha256(body);

/** Checks signed requests. Each is accepted once. */
export class Signatures {
  readonly #secret: string;
  /**
   * What was signed before is not accepted: another program could have received it while the service was away. By
   * `performance.now`, since the clock may be set.
   */
  readonly #since = performance.now();
  /** Nonces and the time until which each is kept, oldest first. Only genuine requests are here, of two windows at most. */
  readonly #used = new Map<string, number>();

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** Whether the request was signed with this service's secret, at whatever time. */
  isGenuine(request: SignedRequest, signature: string): boolean {
    const [, time = '', nonce = '', body = '', mac = ''] = form.exec(signature) ?? [];
    return sameSecret(mac, macOf(this.#secret, request, [time, nonce, body]));
  }

  /** What `X-Plainview-Answer` of the answer to a request with this signature contains. */
  answerMac(signature: string, answer: Parameters<typeof answerMac>[2]): string {
    return answerMac(this.#secret, signature, answer);
  }

  /** @throws unauthorised, clocks_differ, request_replayed */
  check(request: SignedRequest, signature: string, now = Date.now()): void {
    if (!this.isGenuine(request, signature)) throw createError('unauthorised', {});
    const [, time = '', nonce = ''] = form.exec(signature) ?? [];
    const age = now - Number(time);
    if (Math.abs(age) > windowMs || age > performance.now() - this.#since + steadyMs)
      throw createError('clocks_differ', { seconds: Math.round(age / 1000) });
    for (const [old, until] of this.#used) {
      if (until > now) break;
      this.#used.delete(old);
    }
    if (this.#used.has(nonce)) throw createError('request_replayed', {});
    this.#used.set(nonce, now + 2 * windowMs);
  }
}
