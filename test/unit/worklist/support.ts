import type { InstanceRecord } from '../../../src/decisions/schema.js';
import { type ImageOptions, image } from '../../../testkit/dicom.js';
import { decidedAs, type FakeSite, type Line } from '../../../testkit/fake-site.js';

export type Decided = Pick<InstanceRecord, 'decision'> & Partial<InstanceRecord>;

/** As a service has written it: on the instance alone, which is all that lists look at. */
export async function decide(site: FakeSite, id: string, decided: Decided): Promise<void> {
  const { decision, category = '', ...more } = decided;
  const record = { version: 1, labels: [], ...decidedAs(category), decision, ...more };
  if (decision !== 'category') delete (record as { category?: string }).category;
  await site.put(`instances/${id}/metadata/Radiograph`, JSON.stringify(record));
  await site.put(`instances/${id}/labels/${decision === 'category' ? category : decision}`);
}

/** Stores an instance and decides it. */
export async function storeDecided(site: FakeSite, decided: Decided, options?: ImageOptions): Promise<Line> {
  const line = site.store(image(options));
  await decide(site, line.instance, decided);
  return line;
}

/** The best score: `category` at `score`, to be reviewed. */
export const unsure = (category: string, score: number): Decided => ({
  decision: 'needs_review',
  top: [{ category, score }],
});
