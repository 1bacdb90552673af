import { createHash, createHmac } from 'node:crypto';
import { Agent } from 'node:https';
import axios, { isAxiosError } from 'axios';
import { recordOf } from '../../../decisions/read.js';
import { createError } from '../../../errors/errors.js';
import type { Orthanc } from '../../../orthanc/orthanc.js';
import type { DueRoute } from '../ledger.js';
import { bestScore } from '../rules/evaluate.js';
import type { Webhook } from '../rules/read.js';
import type { Destination } from './destination.js';

const timeoutMs = 15_000;

/** A status that rejects this one message. The listed 4xx concern the access, the address, or the time. */
const isRejection = (status: number): boolean =>
  status >= 400 && status < 500 && ![401, 403, 404, 405, 407, 408, 409, 421, 423, 425, 429].includes(status);

/**
 * An HTTP endpoint that receives decisions. A message is signed as in the Standard Webhooks specification 1.0.0:
 * HMAC-SHA256 over id, time and body. A message that is sent again keeps its id, so that the receiver detects it.
 */
export class WebhookDestination implements Destination {
  readonly name: string;
  readonly maxBatch = 1;
  readonly #webhook: Webhook;
  readonly #orthanc: Orthanc;
  readonly #agent: Agent;

  constructor(name: string, webhook: Webhook, orthanc: Orthanc) {
    this.name = `webhook:${name}`;
    this.#webhook = webhook;
    this.#orthanc = orthanc;
    this.#agent = new Agent({ keepAlive: true, ...(webhook.ca === undefined ? {} : { ca: webhook.ca }) });
  }

  async send(due: readonly DueRoute[], signal: AbortSignal): Promise<void> {
    for (const each of due) await this.#deliver(each, signal);
  }

  async isReachable(): Promise<undefined> {
    return undefined;
  }

  close(): void {
    this.#agent.destroy();
  }

  async #deliver(due: DueRoute, signal: AbortSignal): Promise<void> {
    const { instance, route } = due;
    const place = (await this.#orthanc.hierarchy.identifiersByInstance([instance.ID])).get(instance.ID);
    const known = recordOf(instance);
    if (place === undefined || known === undefined) return; // deleted meanwhile
    const { series, study, studyInstanceUid, seriesInstanceUid, sopInstanceUid } = place;
    const { decision, category, top, who, network, when } = known.record;
    const body = JSON.stringify({
      type: 'radiograph.decided',
      timestamp: when,
      data: {
        rule: route.rule,
        instance: instance.ID,
        series,
        study,
        studyInstanceUid,
        seriesInstanceUid,
        sopInstanceUid,
        decision,
        category: category ?? null,
        score: bestScore(known.record) ?? null,
        top,
        who,
        network: { name: network.name, sha256: network.sha256 },
      },
    });
    const hash = createHash('sha256').update([this.name, instance.ID, route.rule, route.of].join('\n'));
    const id = `plainview_${hash.digest('hex').slice(0, 32)}`;
    const timestamp = Math.floor(Date.now() / 1000);
    await this.#post(body, signal, {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': `v1,${sign(this.#webhook.secret, id, timestamp, body)}`,
    });
  }

  async #post(body: string, signal: AbortSignal, headers: Record<string, string>): Promise<void> {
    const destination = this.name;
    try {
      await axios.post(this.#webhook.url, body, {
        headers,
        httpsAgent: this.#agent,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        maxRedirects: 0,
        maxContentLength: 1_000_000,
        proxy: false,
        responseType: 'arraybuffer',
      });
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
}

/** @returns base64 */
const sign = (key: Buffer, id: string, timestamp: number, body: string): string =>
  createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
