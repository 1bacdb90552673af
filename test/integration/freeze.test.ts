import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { instanceId } from '../../src/orthanc/ids.js';
import { Orthanc } from '../../src/orthanc/orthanc.js';
import { image, instance, uid } from '../../testkit/dicom.js';
import { type StoredInstance, storeInstance, withOrthanc } from '../../testkit/orthanc.js';

const deletions = 40;

/** Without the gate, Orthanc 1.12.7 hangs within a second. `forky` has 1.13.0, which never did. */
test.each(['trixie', 'forky'] as const)(
  'reports are stored and deleted while pictures are rendered, and Orthanc of %s goes on',
  async (suite) => {
    await withOrthanc({ suite }, async ({ url }) => {
      const orthanc = new Orthanc(
        loadConfig({ PLAINVIEW_ORTHANC_URL: url, PLAINVIEW_ORTHANC_TIMEOUT_MS: '5000' }),
      );
      const stored: StoredInstance[] = [];
      for (let study = 0; study < 20; study++)
        stored.push(
          await storeInstance(
            url,
            image({ rows: 700, columns: 700, studyInstanceUid: uid(`freeze ${suite} ${study}`) }),
          ),
        );
      let isOver = false;
      const render = async (from: number) => {
        for (let n = from; !isOver; n++) {
          const id = instanceId.parse(stored[n % stored.length]?.orthancId);
          if (n % 2 === 0) await orthanc.renderings.whole(id, 0, async () => undefined);
          else await orthanc.renderings.fingerprint(id, { frames: 1, isSigned: false });
        }
      };
      const replace = async () => {
        try {
          for (let n = 0; n < deletions; n++) {
            const study = uid(`freeze ${suite} ${n % stored.length}`);
            const report = instance({ modality: 'SR', studyInstanceUid: study });
            await orthanc.instanceStore.delete((await orthanc.instanceStore.store(report)).ID);
          }
        } finally {
          isOver = true;
        }
      };
      try {
        await Promise.all([replace(), ...[0, 7, 14].map(render)]);
        const answer = await fetch(`${url}/statistics`, { signal: AbortSignal.timeout(5000) });
        expect(await answer.json()).toMatchObject({ CountInstances: stored.length });
      } finally {
        orthanc.close();
      }
    });
  },
);
