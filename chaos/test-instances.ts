import sharp from 'sharp';
import { shipped } from '../src/files/places.js';
import { type GreyPicture, image, instance, radiograph, uid } from '../testkit/dicom.js';
import { shuffled } from '../testkit/random.js';

/** What must become of an instance. */
export type ExpectedOutcome = 'decided' | 'failed' | 'untouched';

/** One instance that a scenario stores. */
export interface TestInstance {
  expected: ExpectedOutcome;
  /** Instances of the same picture must end with the same decision. */
  picture: number;
  file: () => Buffer;
}

const side = 96;

/** Parts of the sample pictures, mirrored: small, and different enough to be decided differently. */
export async function smallPictures(count: number, random: () => number): Promise<GreyPicture[]> {
  const samples = ['chest_composite.png', 'chest_composite_2.png', 'test_pattern.png'];
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const sample = sharp(shipped('samples', samples[index % samples.length] ?? ''));
      const { width, height } = await sample.metadata();
      const share = 0.4 + 0.6 * random();
      const part = {
        width: Math.floor(width * share),
        height: Math.floor(height * share),
        left: Math.floor(width * (1 - share) * random()),
        top: Math.floor(height * (1 - share) * random()),
      };
      const grey = await sample
        .extract(part)
        .flip(random() < 0.5)
        .flop(random() < 0.5)
        .greyscale()
        .resize(side, side, { fit: 'fill' })
        .raw()
        .toBuffer();
      return { width: side, height: side, grey };
    }),
  );
}

/**
 * Studies of two to eight instances in one to three series, in random order across all of them: 80 in 100
 * radiographs, 6 radiographs with pixels missing, 9 CT, 5 SR.
 * @param name makes the identifiers: the same name and seed make the same instances
 */
export function testInstances(
  name: string,
  count: number,
  pictures: readonly GreyPicture[],
  random: () => number,
): TestInstance[] {
  const items: TestInstance[] = [];
  for (let study = 0; items.length < count; study++) {
    const size = Math.min(2 + Math.floor(7 * random()), count - items.length);
    const series = 1 + Math.floor(3 * random());
    for (let index = 0; index < size; index++) items.push(item(`${name} ${study}`, index, series));
  }
  return shuffled(items, random);

  function item(study: string, index: number, series: number): TestInstance {
    const chance = random();
    const picture = Math.floor(random() * pictures.length);
    const kind = chance < 0.8 ? 'DX' : chance < 0.86 ? 'truncated' : chance < 0.95 ? 'CT' : 'SR';
    const modality = kind === 'truncated' ? 'DX' : kind;
    const identity = {
      modality,
      studyInstanceUid: uid(study),
      // One series holds one modality.
      seriesInstanceUid: uid(`${study} series ${modality} ${index % series}`),
      sopInstanceUid: uid(`${study} instance ${index}`),
    } as const;
    const grey = pictures[picture] ?? { width: 1, height: 1, grey: new Uint8Array(1) };
    if (kind === 'SR') return { expected: 'untouched', picture: -1, file: () => instance(identity) };
    if (kind === 'truncated')
      return { expected: 'failed', picture: -1, file: () => image({ ...identity, truncateBy: 4000 }) };
    const expected = kind === 'CT' ? 'untouched' : 'decided';
    return { expected, picture, file: () => radiograph(grey, identity) };
  }
}
