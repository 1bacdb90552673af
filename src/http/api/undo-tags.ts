import { z } from 'zod';
import type { Audit } from '../../access/audit.js';
import { maxUndoneInstances, undoTagsAnswer } from '../../contract/undo-tags.js';
import { asPlainviewError } from '../../errors/errors.js';
import type { Tagger } from '../../followups/tags/tagger.js';
import { mayMeanAway } from '../../orthanc/availability.js';
import { type InstanceId, instanceId } from '../../orthanc/ids.js';
import { type Operation, operation } from './operation.js';

export const undoTagsOperations = (tagger: Tagger, audit: Audit): Operation[] => [
  operation({
    id: 'undoTags',
    tag: 'follow-ups',
    method: 'post',
    path: '/api/v1/tags/undo',
    summary: 'Restores the attributes of DICOM files that Plainview has changed',
    role: 'admin',
    body: z.strictObject({ instances: z.array(instanceId).min(1).max(maxUndoneInstances) }),
    answer: undoTagsAnswer,
    handle: async ({ body, caller }) => {
      const undone: InstanceId[] = [];
      const left: { instance: InstanceId; why: string }[] = [];
      for (const instance of body.instances) {
        try {
          if (await tagger.undo(instance)) {
            undone.push(instance);
            await audit({ caller, action: 'undo tags', target: `instances/${instance}` });
          } else left.push({ instance, why: 'nothing of ours is written there' });
        } catch (caught) {
          const error = asPlainviewError(caught);
          if (mayMeanAway(error)) throw error;
          left.push({ instance, why: error.message });
        }
      }
      return { undone, left };
    },
  }),
];
