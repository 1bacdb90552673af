import { z } from 'zod';
import type { Audit } from '../../access/audit.js';
import { Semaphore } from '../../async/semaphore.js';
import type { Classifier } from '../../classify/classifier.js';
import type { Config } from '../../config/options.js';
import { activation } from '../../contract/review.js';
import { createError } from '../../errors/errors.js';
import { instanceId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import { frameOf } from '../../pipeline/eligible.js';
import type { Entries } from '../../worklist/entries.js';
import { type Operation, operation } from './operation.js';

/** One at a time, so that new instances can be classified meanwhile. */
const bounds = { maxRunning: 1, maxWaiting: 20 };

interface Parts {
  orthanc: Orthanc;
  entries: Entries;
  classifier: Classifier;
  config: Pick<Config, 'multiframe'>;
  audit: Audit;
}

export function activationOperation({ orthanc, entries, classifier, config, audit }: Parts): Operation {
  const semaphore = new Semaphore(bounds);
  return operation({
    id: 'activation',
    tag: 'pictures',
    method: 'get',
    path: '/api/v1/instances/{instance}/activation',
    summary:
      'Which parts of the picture support a category, over the whole picture: the class activation map of the network in use, or where it has none, what hiding each part costs',
    role: 'viewer',
    params: z.strictObject({ instance: instanceId }),
    query: z.strictObject({ category: z.string().min(1).max(64) }),
    answer: activation,
    handle: async ({ params: { instance }, query: { category }, caller, signal }) => {
      if (!classifier.network.classes.includes(category)) throw createError('category_unknown', {});
      const { frames } = await entries.shown(instance);
      return semaphore.run(async () => {
        signal.throwIfAborted();
        const { rows, columns, values, method, score } = await orthanc.renderings.whole(
          instance,
          frameOf({ frames }, config),
          (picture) => classifier.explain(picture, category),
        );
        void audit({
          caller,
          action: 'view',
          target: `instances/${instance}`,
          detail: { as: 'activation', category },
        });
        const peak = Math.max(0, ...values);
        const scaled = [...values].map((value) => (peak > 0 ? Math.max(0, value) / peak : 0));
        return { rows, columns, values: scaled, method, peak, category, score };
      });
    },
  });
}
