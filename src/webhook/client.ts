import { createHmac } from 'node:crypto';
import { Agent } from 'node:https';
import axios from 'axios';

const timeoutMs = 15_000;

export interface Webhook {
  url: string;
  /** HMAC key. */
  secret: Buffer;
  /** PEM of the site's own certification authority. */
  ca?: Buffer | undefined;
}

export interface Message {
  /** One that is sent again keeps it, so that the receiver detects it. */
  id: string;
  type: string;
  /** When it happened, ISO 8601. */
  timestamp: string;
  data: object;
}

/**
 * An HTTP endpoint that receives messages, signed as in the Standard Webhooks specification 1.0.0: HMAC-SHA256 over id, time
 * and body.
 */
export class WebhookClient {
  readonly #webhook: Webhook;
  readonly #agent: Agent;

  constructor(webhook: Webhook) {
    this.#webhook = webhook;
    this.#agent = new Agent({ keepAlive: true, ...(webhook.ca === undefined ? {} : { ca: webhook.ca }) });
  }

  /** @throws AxiosError, which holds the whole request and must not be logged */
  async post({ id, ...content }: Message, signal: AbortSignal): Promise<void> {
    const { url, secret } = this.#webhook;
    const body = JSON.stringify(content);
    const time = Math.floor(Date.now() / 1000);
    await axios.post(url, body, {
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(time),
        'webhook-signature': `v1,${createHmac('sha256', secret).update(`${id}.${time}.${body}`).digest('base64')}`,
      },
      httpsAgent: this.#agent,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      maxRedirects: 0,
      maxContentLength: 1_000_000,
      proxy: false,
      responseType: 'arraybuffer',
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
