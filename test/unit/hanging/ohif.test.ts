import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { Categories } from '../../../src/anatomy/categories.js';
import { options } from '../../../src/config/options.js';
import { shipped } from '../../../src/files/places.js';
import { arrange } from '../../../src/hanging/arrange.js';
import { readProtocols } from '../../../src/hanging/file.js';
import { type HungPicture, picturesOf as hangable } from '../../../src/hanging/hanger.js';
import { ohifConfiguration } from '../../../src/hanging/ohif.js';
import { answerOf } from '../../../src/http/api/hanging.js';
import { instanceId, patientId, seriesId, studyId } from '../../../src/orthanc/ids.js';
import type { FoundRadiograph } from '../../../src/orthanc/studies.js';
import { cores, type Image, openStudy, type Shown } from './viewer.js';

const hanging = readProtocols(undefined, Categories.read(), []);
const id = '01234567-01234567-01234567-01234567-01234567';
const uids = { now: '1.1', prior: '1.2', older: '1.3' } as const;
type Study = keyof typeof uids;

/**
 * What a study holds, a picture each: `[side] what [score]`. `review`, `none` and `bare` stand for a picture that needs
 * review, is none of the categories, or has no decision yet; `said` after a category: decided by a person.
 */
type Archive = { now: string[] } & { [S in Study]?: string[] };

function found(study: Study, text: string, index: number): FoundRadiograph {
  const [, side, what = '', score = '0.99'] = /^(?:([RLB]) )?(\S+)(?: ([\d.]+|said))?$/.exec(text) ?? [];
  const decision = { review: 'needs_review', none: 'unknown_view' }[what] ?? 'category';
  const record = {
    version: 1,
    decision,
    ...(decision === 'category' ? { category: what } : {}),
    reason: '',
    top:
      score === 'said'
        ? []
        : [{ category: decision === 'category' ? what : 'knee_ap', score: Number(score) }],
    who: score === 'said' ? 'person' : 'network',
    network: { name: 'n', sha256: 's' },
    engine: 'e',
    when: '',
    ms: 0,
    labels: [],
  };
  return {
    instance: {
      ID: instanceId.parse(id),
      ParentSeries: seriesId.parse(id),
      Metadata: what === 'bare' ? {} : { Radiograph: JSON.stringify(record) },
      Labels: [],
    },
    studyInstanceUid: uids[study],
    seriesInstanceUid: `${uids[study]}.1`,
    sopInstanceUid: `${study === 'now' ? '' : `${study} `}${text}`,
    seriesNumber: 1,
    instanceNumber: index,
    laterality: { image: side, frames: [], series: undefined },
    exposure: undefined,
  };
}

const foundIn = (archive: Archive, study: Study) =>
  (archive[study] ?? []).map((text, index) => found(study, text, index));

/** What the service answers for that study. */
function answerFor(archive: Archive, url: URL) {
  const picturesOf = (study: Study): HungPicture[] => hangable(foundIn(archive, study), hanging.leastScore);
  const pictures = picturesOf('now');
  const priors = url.searchParams.get('priors') === 'true' ? [picturesOf('prior'), picturesOf('older')] : [];
  const hung = arrange(hanging.protocols, pictures, priors);
  const study = {
    id: studyId.parse(id),
    patient: patientId.parse(id),
    patientId: 'p',
    studyInstanceUid: uids.now,
    date: '20240101',
    time: '120000',
  };
  return answerOf({ study, pictures, ...(hung === undefined ? {} : { hung }) }, Categories.read());
}

/** As DICOMweb gives them to the viewer: the tags are wrong, and lead astray whoever goes by them. */
function imagesOf(archive: Archive, study: Study): Image[] {
  return foundIn(archive, study).map(({ sopInstanceUid, seriesInstanceUid, studyInstanceUid }) => ({
    SOPInstanceUID: sopInstanceUid,
    SeriesInstanceUID: seriesInstanceUid,
    StudyInstanceUID: studyInstanceUid,
    Modality: 'CR',
    BodyPartExamined: 'SKULL',
    ViewPosition: 'LL',
    SeriesDescription: 'Knee ap',
    ImageLaterality: 'L',
  }));
}

const show = (core: string, archive: Archive, more: Partial<Parameters<typeof openStudy>[0]> = {}) =>
  openStudy({
    core,
    study: uids.now,
    archive: Object.fromEntries(
      (['now', 'prior', 'older'] as const).map((study) => [uids[study], imagesOf(archive, study)]),
    ),
    answers: (url) => answerFor(archive, url),
    ...more,
  });

const cases: [string, Archive][] = [
  ['chest, lateral first', { now: ['chest_lateral', 'chest_pa_ap'] }],
  ['chest, one picture', { now: ['chest_pa_ap'] }],
  ['chest, one picture, with prior', { now: ['chest_pa_ap'], prior: ['chest_pa_ap'] }],
  [
    'chest with two priors',
    {
      now: ['chest_lateral', 'chest_pa_ap'],
      prior: ['chest_pa_ap', 'chest_lateral'],
      older: ['chest_pa_ap', 'chest_lateral'],
    },
  ],
  ['chest, prior frontal only', { now: ['chest_lateral', 'chest_pa_ap'], prior: ['chest_pa_ap'] }],
  ['chest, lateral unsure', { now: ['chest_pa_ap', 'review 0.7'] }],
  ['chest, lateral of low score', { now: ['chest_pa_ap', 'chest_lateral 0.85'] }],
  ['chest, lateral by a person', { now: ['review 0.7', 'chest_lateral said', 'chest_pa_ap'] }],
  ['chest taken twice', { now: ['chest_pa_ap 0.93', 'chest_lateral', 'chest_pa_ap 0.98'] }],
  ['chest and a view of none', { now: ['none', 'chest_lateral', 'chest_pa_ap'] }],
  ['not classified yet', { now: ['bare', 'bare'] }],
  ['lumbar spine', { now: ['lumbar_spine_lateral', 'lumbar_spine_ap'] }],
  [
    'whole spine',
    {
      now: [
        'lumbar_spine_lateral',
        'lumbar_spine_ap',
        'cervical_spine_lateral',
        'cervical_spine_ap',
        'thoracic_spine_lateral',
        'thoracic_spine_ap',
      ],
    },
  ],
  ['knee, lateral first', { now: ['R knee_lateral', 'R knee_ap'] }],
  ['knee with patella', { now: ['L patella_axial', 'L knee_lateral', 'L knee_ap'] }],
  ['knees, left first', { now: ['L knee_ap', 'L knee_lateral', 'R knee_ap', 'R knee_lateral'] }],
  [
    'knees with patellae, eight pictures',
    {
      now: [
        'L knee_ap',
        'none',
        'L knee_lateral',
        'R knee_ap',
        'R knee_lateral',
        'review 0.8',
        'L patella_axial',
        'R patella_axial',
      ],
    },
  ],
  [
    'knee, the prior is of the other side',
    { now: ['R knee_ap', 'R knee_lateral'], prior: ['L knee_ap', 'L knee_lateral'] },
  ],
  [
    'knee, an older prior of the same side',
    {
      now: ['R knee_ap', 'R knee_lateral'],
      prior: ['L knee_ap', 'L knee_lateral'],
      older: ['R knee_lateral', 'R knee_ap'],
    },
  ],
  ['knee, AP right, lateral left', { now: ['R knee_ap', 'L knee_lateral'] }],
  ['wrists, sides not known', { now: ['wrist_ap', 'wrist_ap', 'wrist_lateral', 'wrist_lateral'] }],
  ['hands, one picture each', { now: ['L hand_ap', 'R hand_ap'] }],
  ['hand and finger', { now: ['L finger_lateral', 'L finger_ap', 'L hand_oblique', 'L hand_ap'] }],
  [
    'hand, wrist and finger',
    {
      now: [
        'R finger_lateral',
        'R finger_ap',
        'R wrist_lateral',
        'R wrist_ap',
        'R hand_oblique',
        'R hand_ap',
      ],
    },
  ],
  ['hips', { now: ['L oblique_view_of_Lauenstein', 'R oblique_view_of_Lauenstein', 'pelvis_ap'] }],
  ['chest and elbow', { now: ['chest_pa_ap', 'L elbow_ap'] }],
];

const outcome = ({ protocol, viewports }: Shown) =>
  [protocol.replace('plainview.', ''), viewports.map((shown) => shown ?? 'empty').join(' · ')] as const;

describe.skipIf(cores.length === 0).each(cores)(
  'OHIF (%s; skipped unless installed in testkit/ohif)',
  (core) => {
    const what = 'the right picture hangs in the right viewport, and as OHIF does where that is not sure';
    test(what, { timeout: 120_000 }, async () => {
      const rows: string[] = [];
      for (const [name, archive] of cases) {
        const [protocol, viewports] = outcome(await show(core, archive));
        const [now, ...priors] = (['now', 'prior', 'older'] as const).map((study) =>
          archive[study]?.join(', '),
        );
        const study = [now, ...priors.filter((prior) => prior !== undefined)].join('; before: ');
        rows.push(`| ${name} | ${study} | ${protocol} | ${viewports} |`);
      }
      const table = rows.join('\n');
      console.log(table);
      // The page says what is seen here: a change of either is a change of both.
      expect(readFileSync(shipped('docs', 'hanging.md'), 'utf8')).toContain(table);
    });

    test('a stack of several pictures begins with the one that its viewport hangs', async () => {
      const archive = { now: ['chest_lateral', 'none', 'chest_pa_ap'] };
      expect(outcome(await show(core, archive, { stacked: true }))).toEqual([
        'chest',
        'chest_pa_ap · chest_lateral',
      ]);
    });

    test('the prior is opened beside the study, unless the viewer cannot or a person has chosen', async () => {
      const archive = { now: ['chest_pa_ap'], prior: ['chest_pa_ap'] };
      expect((await show(core, archive)).studies).toEqual([uids.now, uids.prior]);
      expect(await show(core, archive, { search: '?url=../ohif-source/x' })).toMatchObject({
        protocol: 'default',
        studies: [uids.now],
      });
    });

    test.each([
      ['Plainview is not there', () => undefined],
      [
        'Plainview is down',
        () => {
          throw new TypeError('Failed to fetch');
        },
      ],
      ['it answers something else', () => ({ hello: 'world' })],
      [
        'it hangs by a protocol that the file does not have yet',
        (url: URL) => ({
          ...answerFor({ now: ['chest_pa_ap', 'chest_lateral'] }, url),
          protocol: { id: 'new', title: 'New', rows: 1, columns: 2 },
        }),
      ],
      [
        'it speaks of another study',
        (url: URL) => ({
          ...answerFor({ now: ['chest_pa_ap', 'chest_lateral'] }, url),
          studyInstanceUid: '9',
        }),
      ],
      [
        'it speaks of pictures that the viewer lacks',
        (url: URL) => answerFor({ now: ['knee_ap', 'knee_lateral'] }, url),
      ],
    ])('OHIF hangs as it does where %s', async (_what, answers) => {
      const archive = { now: ['chest_lateral', 'chest_pa_ap'] };
      expect(outcome(await show(core, archive, { answers }))).toEqual(['default', 'chest_lateral']);
    });

    test.each([
      ['holds no radiograph', () => ['CT', 'SR'], 0],
      ['holds a radiograph among others', () => ['CT', 'CR'], 1],
      [
        'cannot be searched',
        () => {
          throw new Error('no such query');
        },
        1,
      ],
    ])('Plainview is asked only for radiographs: a study that %s', async (_what, modalities, requests) => {
      const answers = vi.fn((url: URL) => answerFor(archive, url));
      const archive = { now: ['chest_lateral', 'chest_pa_ap'] };
      const shown = await show(core, archive, { answers, modalities });
      expect(answers).toHaveBeenCalledTimes(requests);
      expect(outcome(shown)[0]).toBe(requests === 0 ? 'default' : 'chest');
    });

    test('after an answer that did not come in time, no study waits for a minute', async () => {
      const archive = { now: ['chest_lateral', 'chest_pa_ap'] };
      const late = vi.fn(() => {
        throw new DOMException('signal timed out', 'TimeoutError');
      });
      vi.useFakeTimers({ toFake: ['Date'] });
      try {
        await show(core, archive, { answers: late });
        const again = { answers: late, again: true };
        expect(outcome(await show(core, archive, again))).toEqual(['default', 'chest_lateral']);
        expect(late).toHaveBeenCalledTimes(1);
        vi.setSystemTime(Date.now() - 86_400_000);
        expect(outcome(await show(core, archive, { again: true }))[0]).toBe('chest');
        await show(core, archive, { answers: late });
        vi.advanceTimersByTime(60_001);
        expect(outcome(await show(core, archive, { again: true }))[0]).toBe('chest');
      } finally {
        vi.useRealTimers();
      }
    });

    test('a picture that the address names comes first', async () => {
      const archive = { now: ['chest_lateral', 'chest_pa_ap'] };
      const search = '?initialSopInstanceUID=chest_pa_ap';
      expect(outcome(await show(core, archive, { search }))).toEqual(['default', 'chest_pa_ap']);
    });
  },
);

test('orthanc/ohif.js holds the protocols of orthanc/hanging.yaml (npm run docs)', () => {
  const script = readFileSync(shipped('orthanc', 'ohif.js'), 'utf8');
  expect(script).toBe(ohifConfiguration(hanging.protocols, options.shape.modalities.parse(undefined)));
});
