import { z } from 'zod';
import { image, instance, uid } from '../dicom.js';
import type { Recorder } from './recorder.js';

const stored = z.object({
  ID: z.string(),
  ParentSeries: z.string(),
  ParentStudy: z.string(),
  ParentPatient: z.string(),
});
export type Stored = z.output<typeof stored>;

export const study = {
  studyInstanceUid: uid('conformance study'),
  patientName: 'Müller^Jörg',
  patientId: 'CONFORMANCE',
};
export const series = { ...study, seriesInstanceUid: uid('conformance series') };
const grey = Uint16Array.from({ length: 16 }, (_, index) => index * 200);
const files = {
  windowed: image({
    ...series,
    sopInstanceUid: uid('conformance windowed'),
    rows: 4,
    columns: 4,
    pixels: grey,
    window: { center: 1000, width: 2000 },
    attributes: {
      '0008,0050': ['SH', 'ACC1'],
      '0008,1030': ['LO', 'Thorax in 2 Ebenen'],
      '0008,103e': ['LO', 'Übersicht'],
      '0009,0010': ['LO', 'PLAINVIEW TEST'],
      '0009,1001': ['LO', 'private'],
      '0018,0015': ['CS', 'CHEST'],
      '0018,1030': ['LO', 'x'.repeat(300)],
      '0040,0275': ['SQ', [[{ tag: '0040,0007', vr: 'LO', value: 'Thorax p.a.' }]]],
    },
  }),
  inverted: image({
    ...series,
    sopInstanceUid: uid('conformance inverted'),
    rows: 4,
    columns: 4,
    pixels: grey,
    photometricInterpretation: 'MONOCHROME1',
  }),
  frames: image({
    ...series,
    sopInstanceUid: uid('conformance frames'),
    rows: 3,
    columns: 5,
    bitsStored: 8,
    frames: 2,
  }),
  colour: image({
    ...series,
    sopInstanceUid: uid('conformance colour'),
    rows: 3,
    columns: 5,
    bitsStored: 8,
    photometricInterpretation: 'RGB',
  }),
  truncated: image({ ...series, sopInstanceUid: uid('conformance truncated'), truncateBy: 4000 }),
  behindPixels: image({
    ...series,
    sopInstanceUid: uid('conformance behind'),
    rows: 4,
    columns: 4,
    pixels: grey,
    attributes: { 'fffa,fffa': ['SQ', [[{ tag: '0008,0104', vr: 'LO', value: 'behind' }]]] },
  }),
  made: instance({
    ...study,
    seriesInstanceUid: '2.25.76',
    sopInstanceUid: '2.25.77',
    modality: 'SR',
    attributes: {
      '0040,a372': ['SQ', []],
      '0040,a504': [
        'SQ',
        [
          [
            { tag: '0008,0105', vr: 'CS', value: 'DCMR' },
            { tag: '0040,db00', vr: 'CS', value: '1500' },
          ],
        ],
      ],
      '0040,a730': [
        'SQ',
        [
          [
            { tag: '0040,a040', vr: 'CS', value: 'TEXT' },
            { tag: '0040,a160', vr: 'UT', value: 'Ü' },
          ],
          [
            {
              tag: '0040,a730',
              vr: 'SQ',
              value: [
                [
                  {
                    tag: '0040,a300',
                    vr: 'SQ',
                    value: [[{ tag: '0040,a30a', vr: 'DS', value: '0.99000' }]],
                  },
                ],
              ],
            },
            { tag: '0040,a040', vr: 'CS', value: 'CONTAINER' },
          ],
        ],
      ],
    },
  }),
  report: instance({
    ...study,
    seriesInstanceUid: uid('conformance reports'),
    sopInstanceUid: uid('conformance report'),
    modality: 'SR',
  }),
};
export type FileName = keyof typeof files;

/** Stores a file, and names its resources in the transcript. */
export async function store(recorder: Recorder, name: FileName): Promise<Stored> {
  const { body } = await recorder.call('POST', '/instances', { body: files[name] });
  const answer = parseStored(body);
  recorder.name(answer.ID, name);
  const seriesNames: Partial<Record<FileName, string>> = { report: 'reports', made: 'its series' };
  recorder.name(answer.ParentSeries, seriesNames[name] ?? 'series');
  recorder.name(answer.ParentStudy, 'study');
  recorder.name(answer.ParentPatient, 'patient');
  return answer;
}

export const parseStored = (body: Buffer): Stored => stored.parse(JSON.parse(body.toString('utf8')));

/** An identifier that no resource has. */
export const missing = '00000000-00000000-00000000-00000000-00000000';
