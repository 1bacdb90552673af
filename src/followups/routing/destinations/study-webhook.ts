import { createHash } from 'node:crypto';
import type { Orthanc } from '../../../orthanc/orthanc.js';
import { type Webhook, WebhookClient } from '../../../webhook/client.js';
import { studyFactsOf } from '../studies/facts.js';
import type { DueStudy } from '../studies/ledger.js';
import type { Destination } from './destination.js';
import { postRoute } from './post-route.js';

/** An HTTP endpoint that is told of studies to which a rule applies. Message: `studyRuleApplied`. */
export class StudyWebhookDestination implements Destination<DueStudy> {
  readonly name: string;
  readonly maxBatch = 1;
  readonly #client: WebhookClient;
  readonly #orthanc: Orthanc;
  readonly #modalities: readonly string[];

  constructor(name: string, webhook: Webhook, orthanc: Orthanc, modalities: readonly string[]) {
    this.name = `webhook:${name}`;
    this.#client = new WebhookClient(webhook);
    this.#orthanc = orthanc;
    this.#modalities = modalities;
  }

  async send(due: readonly DueStudy[], signal: AbortSignal): Promise<void> {
    for (const each of due) await this.#deliver(each, signal);
  }

  async isReachable(): Promise<undefined> {
    return undefined;
  }

  close(): void {
    this.#client.close();
  }

  async #deliver({ resource, route }: DueStudy, signal: AbortSignal): Promise<void> {
    const tree = await this.#orthanc.hierarchy.tree(resource.ID);
    if (tree === undefined) return; // deleted meanwhile
    const { study, series, instances } = tree;
    const { pictures } = studyFactsOf(tree, this.#modalities);
    const hash = createHash('sha256').update([this.name, study.ID, route.rule, route.asked].join('\n'));
    const message = {
      id: `plainview_${hash.digest('hex').slice(0, 32)}`,
      type: 'study.rule_applied' as const,
      timestamp: route.asked,
      data: {
        rule: route.rule,
        study: study.ID,
        studyInstanceUid: study.MainDicomTags['0020,000d'],
        pictures: pictures.flatMap(({ instance, decision, category = null, side = null }) => {
          const file = instances.find(({ ID }) => ID === instance);
          const parent = series.find(({ ID }) => ID === file?.ParentSeries);
          if (file === undefined || parent === undefined) return [];
          return [
            {
              instance,
              series: parent.ID,
              seriesInstanceUid: parent.MainDicomTags['0020,000e'],
              sopInstanceUid: file.MainDicomTags['0008,0018'],
              decision,
              category,
              side,
            },
          ];
        }),
      },
    };
    await postRoute(this.#client, this.name, message, signal);
  }
}
