import { describe, expect, test } from 'vitest';
import { image, uid } from '../../../testkit/dicom.js';
import { decidedAs, type Line, type Process, useFakeSite } from '../../../testkit/fake-site.js';

/** Records a decision as the pipeline does. */
async function decide({ orthanc, recorder }: Process, { instance }: Line, category: string): Promise<void> {
  // From then on, it knows what Orthanc is.
  await orthanc.nodes.check();
  const described = await orthanc.hierarchy.describe(instance);
  const now = await orthanc.hierarchy.instance(instance);
  await recorder.record(described, now, decidedAs(category));
}

describe.each(['1.12.7', '1.13.0'])('of Orthanc %s', (Version) => {
  const site = useFakeSite({ system: { Version } });
  const picture = (n: number, series: string) =>
    site.store(
      image({
        studyInstanceUid: uid('shared'),
        seriesInstanceUid: uid(series),
        sopInstanceUid: uid(`${n}`),
      }),
    );

  test.each([
    { of: 'its series', series: 'first' },
    { of: 'another series', series: 'second' },
  ])(
    'a study counts what a second service decides of $of, at whatever call of the first one',
    async ({ series }) => {
      for (let nth = 0; ; nth++) {
        const [one, other] = [picture(2 * nth, 'first'), picture(2 * nth + 1, series)];
        let isInterrupted = false;
        site.interrupt(nth, async () => {
          isInterrupted = true;
          await decide(site.process(), other, 'hand_ap');
        });
        await decide(site.process(), one, 'knee_ap');
        if (!isInterrupted) break;
        const counted = { nth, of: site.group(one.study)?.categories };
        expect(counted).toEqual({ nth, of: { hand_ap: 1, knee_ap: 1 } });
        for (const each of [one, other])
          expect(site.fake.labels(each.series)).toEqual(
            expect.arrayContaining(site.fake.labels(each.instance)),
          );
        await site.remove(`studies/${one.study}`);
      }
    },
  );
});
