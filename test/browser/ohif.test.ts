import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stubClassifier } from '../../testkit/classifier.js';
import { image, uid } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, Reader, startTestService, type TestService } from '../../testkit/service.js';
import { hasBrowser, useBrowser } from './support/browser.js';
import { startViewer, type Viewer, viewers } from './support/ohif.js';

/** Starting the viewer, which is many megabytes of script. */
const startMs = 30_000;

describe.skipIf(!hasBrowser || viewers.length === 0)(
  'the whole OHIF (skipped without testkit/ohif/viewer.sh)',
  async () => {
    const hook = await hookAddress();
    const real = useOrthanc({
      hook,
      explorer: true,
      plugins: ['dicomweb'],
      configuration: { Plainview: { DefaultRole: 'viewer' } },
    });
    const pages = useBrowser();

    describe.each(viewers)('%s', (version) => {
      let viewer: Viewer;
      beforeAll(async () => {
        viewer = await startViewer(version, real.orthanc.url);
      });
      afterAll(() => viewer.stop());
      const address = (study: string) => `${viewer.url}/viewer?StudyInstanceUIDs=${study}`;

      describe.each(['study', 'instance'] as const)('with a report for each %s', (level) => {
        const study = uid(`ohif ${version} ${level}`);
        let service: TestService;

        beforeAll(async () => {
          const classifier = stubClassifier();
          const env = { PLAINVIEW_REPORT: level };
          service = await startTestService({ orthanc: real.orthanc.url, hook, classifier, env });
          const reader = new Reader(real.orthanc.url);
          for (const category of ['knee_lateral', 'knee_ap']) {
            classifier.answer = async () => ({ category, score: 0.99 });
            const stored = await real.storeInstance(image({ studyInstanceUid: study, patientId: level }));
            await waitFor(async () => {
              const result = await reader.metadata(`instances/${stored.orthancId}`, 'RadiographResult');
              const record = await reader.record(stored.orthancId);
              return result !== undefined && JSON.parse(result).of === record?.when;
            });
          }
        });
        afterAll(() => service.stop());

        test('what is reported of every picture is shown', async () => {
          const page = await pages.open(address(study));
          await page.locator('canvas').first().waitFor({ timeout: startMs });
          // The viewer begins with a tour, which lies over the page.
          await page.getByText('Plainview: region and view').first().dispatchEvent('dblclick');
          for (const category of ['knee_lateral', 'knee_ap'])
            await page.getByText(`Radiograph category: ${category}`, { exact: true }).waitFor();
          expect(await page.getByText('antero-posterior').count()).toBe(1);
          expect(await page.getByText('Something went wrong').count()).toBe(0);
          expect(pages.complaints).toEqual([]);
        });
      });

      test('a study without radiographs opens without Plainview, and no study waits for one that hangs', async () => {
        const [ct, dx] = [uid(`ohif CT ${version}`), uid(`ohif DX ${version}`)];
        await real.storeInstance(image({ modality: 'CT', studyInstanceUid: ct }));
        await real.storeInstance(image({ studyInstanceUid: dx }));
        viewer.silent = true;
        viewer.requests.length = 0;
        const page = await pages.open(address(ct));
        await page.locator('canvas').first().waitFor({ timeout: startMs });
        expect(viewer.requests).toEqual([]);
        for (const _time of ['first', 'second']) {
          await page.goto(address(dx));
          await page.locator('canvas').first().waitFor({ timeout: startMs });
          expect(viewer.requests).toEqual([`/plainview/api/v1/studies/${dx}/hanging`]);
        }
      });
    });
  },
);
