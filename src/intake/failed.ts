import type { Orthanc } from '../orthanc/orthanc.js';
import type { InstanceContent } from '../orthanc/resources.js';
import { stateLabels } from '../record/labels.js';
import { recordOf } from '../record/read.js';

const pageSize = 200;

export interface Failed {
  instance: InstanceContent;
  failure: { code: string; message: string };
  when: string;
}

/** Every instance that is marked as failed. An answered request takes it out of the list behind our back, so ids come first. */
export async function* failedInstances(orthanc: Orthanc, labelPrefix: string): AsyncGenerator<Failed> {
  const ids = await orthanc.findLabelled(labelPrefix + stateLabels.failed);
  for (let from = 0; from < ids.length; from += pageSize)
    for (const instance of await orthanc.instances(ids.slice(from, from + pageSize))) {
      const record = recordOf(instance)?.record;
      if (record?.failure !== undefined) yield { instance, failure: record.failure, when: record.when };
    }
}
