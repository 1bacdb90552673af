import { isAxiosError } from 'axios';
import type { z } from 'zod';
import type { webhookMessages } from '../../../contract/webhooks.js';
import { createError } from '../../../errors/errors.js';
import type { WebhookClient } from '../../../webhook/client.js';

/** A message as `contract/webhooks.ts` describes it. */
type Message = { id: string } & z.output<(typeof webhookMessages)[keyof typeof webhookMessages]>;

/** A status that rejects this one message. The listed 4xx concern the access, the address, or the time. */
const isRejection = (status: number): boolean =>
  status >= 400 && status < 500 && ![401, 403, 404, 405, 407, 408, 409, 421, 423, 425, 429].includes(status);

/** @throws route_unreachable, route_rejected */
export async function postRoute(
  client: WebhookClient,
  destination: string,
  message: Message,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.post(message, signal);
  } catch (error) {
    if (!isAxiosError(error)) throw error;
    // The error of axios holds the whole request, which must not be logged.
    const cause = new Error(error.message, { cause: error.code });
    const status = error.response?.status;
    const why = status === undefined ? (error.code ?? error.message) : `HTTP ${status}`;
    const code = status !== undefined && isRejection(status) ? 'route_rejected' : 'route_unreachable';
    throw createError(code, { destination, why }, cause);
  }
}
