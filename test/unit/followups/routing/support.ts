import { readRecord } from '../../../../src/decisions/schema.js';
import { instanceRoutes, type Route } from '../../../../src/followups/routing/routes-record.js';
import type { InstanceId } from '../../../../src/orthanc/ids.js';
import { image, uid } from '../../../../testkit/dicom.js';
import { decidedAs, type FakeSite, type Line, type Process } from '../../../../testkit/fake-site.js';

/** Later than all before it. */
let moments = 0;
const nextMoment = () => new Date(Date.UTC(2024, 1, 1) + ++moments * 1000).toISOString();

export function routingSite(site: FakeSite) {
  const routesOf = (id: string) =>
    readRecord(instanceRoutes, site.fake.metadata(id).RadiographRoutes)?.routes ?? [];
  return {
    /** An instance of a study by that name, in a series by that name. */
    store: (name: string, study = 'study', series = 'series'): Line =>
      site.store(
        image({
          patientId: study,
          studyInstanceUid: uid(study),
          seriesInstanceUid: uid(`${study} ${series}`),
          sopInstanceUid: uid(`${study} ${series} ${name}`),
        }),
      ),
    async decide({ recorder, orthanc }: Process, id: InstanceId, category: string): Promise<void> {
      const before = await orthanc.hierarchy.instance(id);
      const described = await orthanc.hierarchy.describe(id);
      await recorder.record(described, before, decidedAs(category, { when: nextMoment() }));
    },
    routesOf,
    /** Each route in a few words. */
    states: (id: string): string[] => routesOf(id).map(inWords),
  };
}

const inWords = ({ to, state, category, why }: Route): string =>
  [to, category, state, ...(why === undefined ? [] : [why])].join(': ');
