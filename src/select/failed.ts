import { recordOf } from '../decisions/read.js';
import { stateLabels } from '../decisions/state-labels.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { InstanceContent } from '../orthanc/resources.js';

export interface Failed {
  instance: InstanceContent;
  failure: { code: string; message: string };
  when: string;
}

/** Every instance with the label for a failed classification and a recorded failure. */
export async function* failedInstances(orthanc: Orthanc, labelPrefix: string): AsyncGenerator<Failed> {
  for await (const instance of orthanc.search.labelledWithMetadata(labelPrefix + stateLabels.failed)) {
    const record = recordOf(instance)?.record;
    if (record?.failure !== undefined) yield { instance, failure: record.failure, when: record.when };
  }
}
