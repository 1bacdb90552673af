import sharp from 'sharp';
import { shipped } from '../src/files/places.js';
import { type GreyPicture, image, instance, radiograph, uid } from '../testkit/dicom.js';
import { shuffled } from '../testkit/random.js';

/** Expected result for an instance. */
export type ExpectedOutcome = 'decided' | 'failed' | 'untouched';

/** One instance that a scenario stores. */
export interface TestInstance {
  expected: ExpectedOutcome;
  /** Number of the picture. Instances of the same picture must get the same decision. */
  picture: number;
  file: () => Buffer;
}

const side = 96;

/** Small pictures from parts of the samples, mirrored at random. They differ enough to get different decisions. */
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
 * Studies of two to eight instances in one to three series. The instances of all studies are in random order. Of 100
 * instances, 80 are radiographs, 6 radiographs with truncated pixels, 9 CT and 5 SR.
 * @param name seed of the identifiers: the same name and random numbers give the same instances
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
    const second = items.length;
    const time = [second / 3600, (second / 60) % 60, second % 60];
    const identity = {
      modality,
      // Else two of the same picture would be taken for one that was moved, and share what a person says of one.
      attributes: {
        '0008,0032': ['TM', time.map((part) => String(Math.floor(part)).padStart(2, '0')).join('')],
      },
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
