import pMap from 'p-map';
import { storeInstance } from '../../testkit/orthanc.js';
import { makeExposure, newInstance } from '../store/pictures.js';

export interface Kind {
  name: string;
  rows: number;
  columns: number;
  films: number;
}

/** Stores films of one size, each study with so many. @returns their identifiers, in the order in which they were stored */
export async function storeFilms(
  orthanc: string,
  { rows, columns, films }: Omit<Kind, 'name'>,
  perStudy: number,
  random: () => number,
): Promise<string[]> {
  const exposure = await makeExposure({ rows, columns, bitsStored: 12 }, random);
  const numbers = Array.from({ length: films }, (_, n) => n);
  return pMap(
    numbers,
    async (n) => {
      const study = `2.25.${BigInt(rows) * 1_000_000_000n + BigInt(Math.floor(n / perStudy)) + 1n}`;
      const file = newInstance(exposure, { patientId: `bench ${study}`, study });
      return (await storeInstance(orthanc, file)).orthancId;
    },
    { concurrency: 4 },
  );
}
