import { createHash } from 'node:crypto';
import { reasonOf } from '../../../src/decisions/reasons.js';
import { finding } from '../../../src/order-check/reasons.js';
import type { Entry } from '../../../src/review/api/schema.js';
import type { GreyPicture } from '../../../testkit/dicom.js';
import { type Drawing, draw, sample } from './pictures.js';

const id = (seed: string): string =>
  (createHash('sha1').update(seed).digest('hex').match(/.{8}/g) ?? []).join('-');
export const sha256 = createHash('sha256').update('network').digest('hex');

const subjects: readonly {
  drawing: Drawing | 'chest';
  top: readonly string[];
  part: string;
  texts: readonly string[];
}[] = [
  {
    drawing: 'chest',
    top: ['chest_pa_ap', 'abdomen_ap', 'chest_lateral', 'shoulder_ap', 'thoracic_spine_ap'],
    part: 'CHEST',
    texts: ['Thorax pa', 'Chest'],
  },
  {
    drawing: 'knee',
    top: ['knee_ap', 'knee_lateral', 'ankle_ap', 'elbow_ap', 'patella_axial'],
    part: 'KNEE',
    texts: ['Knie li. a.p.', 'KNEE'],
  },
  {
    drawing: 'hand',
    top: ['hand_ap', 'hand_oblique', 'wrist_ap', 'finger_ap', 'foot_ap'],
    part: 'HAND',
    texts: ['Hand dv re', 'HAND'],
  },
  {
    drawing: 'spine',
    top: [
      'lumbar_spine_lateral',
      'thoracic_spine_lateral',
      'lumbar_spine_ap',
      'cervical_spine_lateral',
      'chest_lateral',
    ],
    part: 'LSPINE',
    texts: ['LWS seitl.', 'LSPINE'],
  },
];

function reasonFor(decision: Entry['decision'], category: string, score: number) {
  if (decision === 'failed') return { reason: 'All pixels of the picture have the same value.' };
  return decision === 'category'
    ? reasonOf('best', { category, score })
    : reasonOf('under_threshold', { category, score, limit: 0.9 });
}

/** The same for the same number: what the service would tell of it, and its picture. */
export function madeEntry(n: number): { entry: Entry; picture: () => Promise<GreyPicture> } {
  const subject = subjects[n % subjects.length];
  if (subject === undefined) throw new Error('there is no subject');
  const decision =
    (['needs_review', 'needs_review', 'category', 'unknown_view', 'needs_review', 'failed'] as const)[
      n % 6
    ] ?? 'category';
  const best =
    decision === 'category' ? 0.97 : decision === 'unknown_view' ? 0.21 : 0.52 + ((n * 7) % 30) / 100;
  const shares = [1, 0.62, 0.2, 0.1, 0.05];
  const top =
    decision === 'failed'
      ? []
      : subject.top.map((category, place) => ({
          category,
          score: place === 0 ? best : (1 - best) * (shares[place] ?? 0) * 0.9,
        }));
  const picture = () =>
    subject.drawing === 'chest'
      ? sample(n % 8 === 0 ? 'chest_composite.png' : 'chest_composite_2.png')
      : draw(subject.drawing, n % 3);
  const mismatch = n % 9 === 4;
  return {
    picture,
    entry: {
      instance: id(`instance ${n}`),
      series: id(`series ${n}`),
      study: id(`study ${Math.floor(n / 2)}`),
      sopInstanceUid: `2.25.${n}.1.1`,
      seriesInstanceUid: `2.25.${n}.1`,
      studyInstanceUid: `2.25.${n}`,
      decision,
      ...(decision === 'category' ? { category: subject.top[0] } : {}),
      ...reasonFor(decision, subject.top[0] ?? '', best),
      ...(decision === 'failed'
        ? {
            failure: {
              code: 'picture_uniform',
              message: 'All pixels of the picture have the same value.',
            },
          }
        : {}),
      top,
      who: 'network',
      network: { name: 'embedded', sha256 },
      engine: 'onnxruntime on cpu',
      when: new Date(Date.UTC(2026, 0, 20, 8, 60 - n)).toISOString(),
      ...(mismatch
        ? {
            order: {
              answer: 'differs',
              bodyPart: finding(
                'differs',
                'part',
                [{ attribute: 'SeriesDescription', values: new Set(['SHOULDER']) }],
                subject.part,
              ),
              projection: finding('cannot_tell', 'no_projection_named'),
              side: finding('agrees', 'sides', [
                { attribute: 'SeriesDescription', values: new Set(['right']) },
              ]),
            },
          }
        : {}),
      rows: subject.drawing === 'chest' ? 848 : 1400,
      columns: subject.drawing === 'chest' ? 1000 : 800,
      voi: { center: 2048, width: 4096 },
      dicom: {
        modality: n % 3 === 0 ? 'CR' : 'DX',
        bodyPartExamined: mismatch ? 'SHOULDER' : n % 4 === 1 ? '' : subject.part,
        viewPosition: n % 2 === 0 ? 'AP' : '',
        studyDescription: subject.texts[0] ?? '',
        seriesDescription: mismatch ? 'Schulter re. a.p.' : (subject.texts[n % 2] ?? ''),
        stationName: ['ROOM1', 'ROOM2', 'MOBILE3'][n % 3] ?? '',
        studyDate: '20260120',
        studyTime: `${String(8 + (n % 9)).padStart(2, '0')}3000`,
      },
      labels: [],
      open: [
        ...(decision === 'category' ? [] : [decision === 'failed' ? 'classification_failed' : decision]),
        ...(mismatch ? ['order_mismatch'] : []),
      ],
    },
  };
}
