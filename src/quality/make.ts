import type { Categories } from '../anatomy/categories.js';
import type { Config } from '../config/options.js';
import { version } from '../config/version.js';
import type { Dimension, QualityReport } from '../contract/quality.js';
import { Words } from '../order-check/words.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { type Page, type Range, type Retry, radiographs } from './radiographs.js';
import { Relations } from './relation.js';
import { reportOf } from './report.js';
import { Tally } from './tally.js';

export interface Wanted extends Range {
  networkScore: number;
}

export interface Making {
  orthanc: Orthanc;
  categories: Categories;
  config: Pick<Config, 'modalities' | 'orderWords'>;
  wanted: Wanted;
  dimensions: readonly Dimension[];
  /** Told of each part of the archive. What follows waits for it. */
  onPage: (page: Page) => unknown;
  retry?: Retry;
}

/** Reads the archive once. @throws config_invalid, orthanc_…, and what `onPage` throws */
export async function makeReport({
  orthanc,
  categories,
  config,
  wanted,
  dimensions,
  onPage,
  retry,
}: Making): Promise<QualityReport> {
  const relations = new Relations(Words.read(categories, config.orderWords));
  const tally = new Tally({ relations, categories, networkScore: wanted.networkScore, dimensions });
  for await (const page of radiographs(orthanc, wanted, config.modalities, retry)) {
    for (const radiograph of page.radiographs) tally.add(radiograph);
    await onPage(page);
  }
  return reportOf(tally, { when: new Date(), plainview: version, ...wanted });
}
