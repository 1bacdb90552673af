import { describe, expect, test } from 'vitest';
import { image, uid } from '../../../testkit/dicom.js';
import { decidedAs, type Line, type Process, useFakeSite } from '../../../testkit/fake-site.js';

/** Records decisions as the pipeline does, all at the same time. */
async function decide(
  { orthanc, recorder }: Process,
  lines: readonly Line[],
  category: string,
): Promise<void> {
  // From then on, it knows what Orthanc is.
  await orthanc.nodes.check();
  const one = async ({ instance, study }: Line) => {
    const described = await orthanc.hierarchy.describe(instance);
    const now = await orthanc.hierarchy.instance(instance);
    const coming = recorder.comes(study);
    await recorder.record(described, now, decidedAs(category), coming).finally(coming.leave);
  };
  await Promise.all(lines.map(one));
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
    { of: 'its series', series: 'first', together: 1 },
    { of: 'another series', series: 'second', together: 1 },
    { of: 'their series', series: 'first', together: 2 },
    { of: 'another series', series: 'second', together: 2 },
  ])(
    'a study counts what a second service decides of $of, at whatever call of a first one that decides $together',
    async ({ series, together }) => {
      for (let nth = 0; ; nth++) {
        const first = site.process();
        const ours = Array.from({ length: together }, (_, n) => picture(3 * nth + n, 'first'));
        const other = picture(3 * nth + 2, series);
        // Its UIDs are known to the first service then, and so are those of the whole study.
        await first.orthanc.hierarchy.describe(other.instance);
        let isInterrupted = false;
        site.interrupt(nth, async () => {
          isInterrupted = true;
          await decide(site.process(), [other], 'hand_ap');
        });
        await decide(first, ours, 'knee_ap');
        if (!isInterrupted) break;
        const counted = { nth, of: site.group(other.study)?.categories };
        expect(counted).toEqual({ nth, of: { hand_ap: 1, knee_ap: together } });
        for (const each of [...ours, other])
          expect(site.fake.labels(each.series)).toEqual(
            expect.arrayContaining(site.fake.labels(each.instance)),
          );
        await site.remove(`studies/${other.study}`);
      }
    },
  );
});
