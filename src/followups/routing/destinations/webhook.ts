import { createHash } from 'node:crypto';
import { recordOf } from '../../../decisions/read.js';
import type { Orthanc } from '../../../orthanc/orthanc.js';
import { type Webhook, WebhookClient } from '../../../webhook/client.js';
import type { DueRoute } from '../ledger.js';
import { bestScore } from '../rules/evaluate.js';
import type { Destination } from './destination.js';
import { postRoute } from './post-route.js';

/** An HTTP endpoint that receives decisions. Message: `radiographDecided`. */
export class WebhookDestination implements Destination<DueRoute> {
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
    const { resource: instance, route } = due;
    const place = (await this.#orthanc.hierarchy.identifiersByInstance([instance.ID])).get(instance.ID);
    const known = recordOf(instance);
    if (place === undefined || known === undefined) return; // deleted meanwhile
    const { series, study, studyInstanceUid, seriesInstanceUid, sopInstanceUid } = place;
    const { decision, category, top, who, network, when } = known.record;
    const hash = createHash('sha256').update([this.name, instance.ID, route.rule, route.of].join('\n'));
    await postRoute(
      this.#client,
      this.name,
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
}
