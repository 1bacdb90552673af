import { expect, test } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { stubClassifier } from '../../testkit/classifier.js';
import { image, uid } from '../../testkit/dicom.js';
import { storeInstance, waitFor, withOrthanc } from '../../testkit/orthanc.js';
import { freshState, startTestService } from '../../testkit/service.js';

/** `FREEZE_STUDIES=60 FREEZE_ROUNDS=10` tries it more. Without the gate, 1.12.7 hangs within seconds. */
const studies = Number(process.env.FREEZE_STUDIES ?? 30);
const rounds = Number(process.env.FREEZE_ROUNDS ?? 2);

test.each([
  ['trixie', true],
  ['forky', false],
] as const)(
  'reclassifying studies with reports never freezes Orthanc of %s',
  async (suite, warns) => {
    await withOrthanc({ suite }, async ({ url }) => {
      const of = await startTestService({
        orthanc: url,
        classifier: stubClassifier(),
        env: {
          PLAINVIEW_REPORT: 'study',
          PLAINVIEW_BACKLOG_CONCURRENCY: '4',
          PLAINVIEW_ORTHANC_TIMEOUT_MS: '5000',
        },
        stateDir: await freshState(url),
      });
      try {
        expect(of.log().includes('can freeze')).toBe(warns);
        const ids: string[] = [];
        for (let study = 0; study < studies; study++) {
          const { orthancId } = await storeInstance(
            url,
            image({ rows: 700, columns: 700, studyInstanceUid: uid(`freeze ${suite} ${study}`) }),
          );
          ids.push(orthancId);
        }
        for (let round = 0; round < rounds; round++) {
          const body = { selection: { ids }, includingCorrected: true };
          const { json } = await callApi(of, 'POST', '/requests', { body });
          await waitFor(
            async () => {
              const progress = (await callApi(of, 'GET', `/requests/${json.id}`)).json;
              return progress.state !== 'running' && (await callApi(of, 'GET', '/status')).json;
            },
            { what: 'the end of the request', timeout: 60_000 },
          );
          const requested = `${of.url}/metrics`;
          await waitFor(
            async () =>
              !/queue_jobs\{state="(waiting|running|delayed)"\} [1-9]/.test(
                await (await fetch(requested)).text(),
              ),
            {
              what: 'an empty queue',
              timeout: 60_000,
            },
          );
          expect((await fetch(`${url}/statistics`, { signal: AbortSignal.timeout(5000) })).status).toBe(200);
        }
        expect(of.log()).not.toContain('Work waits');
      } finally {
        await of.stop();
      }
    });
  },
  300_000,
);
