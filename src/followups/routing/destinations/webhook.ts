import { createHash } from 'node:crypto';
import { isAxiosError } from 'axios';
import { recordOf } from '../../../decisions/read.js';
import { createError } from '../../../errors/errors.js';
import type { Orthanc } from '../../../orthanc/orthanc.js';
import { type Message, type Webhook, WebhookClient } from '../../../webhook/client.js';
import type { DueRoute } from '../ledger.js';
import { bestScore } from '../rules/evaluate.js';
import type { Destination } from './destination.js';

/** A status that rejects this one message. The listed 4xx concern the access, the address, or the time. */
const isRejection = (status: number): boolean =>
  status >= 400 && status < 500 && ![401, 403, 404, 405, 407, 408, 409, 421, 423, 425, 429].includes(status);

/** An HTTP endpoint that receives decisions. */
export class WebhookDestination implements Destination {
  readonly name: string;
  readonly maxBatch = 1;
  readonly #client: WebhookClient;
  readonly #orthanc: Orthanc;

  constructor(name: string, webhook: Webhook, orthanc: Orthanc) {
    this.name = `webhook:${name}`;
    this.#client = new WebhookClient(webhook);
    this.#orthanc = orthanc;
  }

  async send(due: readonly DueRoute[], signal: AbortSignal): Promise<void> {
    for (const each of due) await this.#deliver(each, signal);
  }

  async isReachable(): Promise<undefined> {
    return undefined;
  }

  close(): void {
    this.#client.close();
  }

  async #deliver(due: DueRoute, signal: AbortSignal): Promise<void> {
    const { instance, route } = due;
    const place = (await this.#orthanc.hierarchy.identifiersByInstance([instance.ID])).get(instance.ID);
    const known = recordOf(instance);
    if (place === undefined || known === undefined) return; // deleted meanwhile
    const { series, study, studyInstanceUid, seriesInstanceUid, sopInstanceUid } = place;
    const { decision, category, top, who, network, when } = known.record;
    const hash = createHash('sha256').update([this.name, instance.ID, route.rule, route.of].join('\n'));
    await this.#post(
      {
        id: `plainview_${hash.digest('hex').slice(0, 32)}`,
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
      },
      signal,
    );
  }

  async #post(message: Message, signal: AbortSignal): Promise<void> {
    const destination = this.name;
    try {
      await this.#client.post(message, signal);
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
