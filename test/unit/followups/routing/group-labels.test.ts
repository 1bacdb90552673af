import { expect, test } from 'vitest';
import { GroupLabels } from '../../../../src/followups/routing/group-labels.js';
import { image, uid } from '../../../../testkit/dicom.js';
import { useFakeSite } from '../../../../testkit/fake-site.js';

const site = useFakeSite();
const routes = { version: 1, routes: [], wanted: ['urgent'], labels: ['urgent'] };

test.each(['instances', 'studies'] as const)(
  'a study of which another version routed a part stays as it is: %s',
  async (level) => {
    const ids = { studyInstanceUid: uid('routed'), seriesInstanceUid: uid('routed series') };
    const [mine, theirs] = [site.store(image(ids)), site.store(image(ids))];
    const other = level === 'instances' ? theirs.instance : theirs.study;
    await site.put(`instances/${mine.instance}/metadata/RadiographRoutes`, JSON.stringify(routes));
    const { orthanc, locks } = site.process();
    const labels = new GroupLabels(orthanc, locks);
    if (level === 'instances') await labels.aggregate(mine.study);
    const before = [site.fake.metadata(mine.study), site.fake.labels(mine.study)];
    await site.put(
      `${level}/${other}/metadata/RadiographRoutes`,
      JSON.stringify({ version: 2, wanted: ['urgent'] }),
    );
    await site.remove(`instances/${mine.instance}/metadata/RadiographRoutes`);
    site.fake.calls.length = 0;
    await labels.aggregate(mine.study);
    expect(site.writes()).toEqual([]);
    if (level === 'instances')
      expect([site.fake.metadata(mine.study), site.fake.labels(mine.study)]).toEqual(before);
    await site.put(`instances/${mine.instance}/metadata/RadiographRoutes`, JSON.stringify(routes));
    await labels.aggregate(mine.study);
    expect(site.writes().filter((write) => !write.startsWith('PUT /instances/'))).toEqual([]);
  },
);

test('a label that was cut off between its removal and its note is disowned: whoever adds it later keeps it', async () => {
  const { study } = site.store(image());
  await site.put(
    `studies/${study}/metadata/RadiographRoutes`,
    JSON.stringify({ version: 1, labels: ['urgent'] }),
  );
  const { orthanc, locks } = site.process();
  const labels = new GroupLabels(orthanc, locks);
  await labels.update(study);
  await site.put(`studies/${study}/labels/urgent`);
  await labels.aggregate(study);
  expect(site.fake.labels(study)).toEqual(['urgent']);
});
