import { z } from 'zod';
import { code, codesOf } from '../../anatomy/categories.js';
import type { Hanger, HungPicture, HungStudy } from '../../hanging/hanger.js';
import { type Operation, operation } from './operation.js';

const uid = z.string().regex(/^[0-9.]{1,64}$/);
const laterality = z.enum(['R', 'L', 'B']);
const ids = {
  sopInstanceUid: z.string(),
  seriesInstanceUid: z.string(),
  studyInstanceUid: z.string(),
  orthancId: z.string(),
};

const pictureAnswer = z.object({
  ...ids,
  state: z
    .enum(['category', 'needs_review', 'unknown_view', 'failed', 'undecided'])
    .describe('The decision; undecided until there is one.'),
  category: z.string().optional().describe('The category recorded.'),
  region: code.optional().describe('CID 4009'),
  view: code.optional().describe('CID 4010'),
  laterality: laterality
    .optional()
    .describe('As DICOM gives it; absent where it does not, or for an unpaired part.'),
  score: z
    .number()
    .optional()
    .describe('Softmax of the category, else the best one; absent where a person decided.'),
  who: z.enum(['network', 'person']).optional(),
  sure: z.boolean().describe('Whether it may be hung by its category.'),
});

const answer = z.object({
  studyInstanceUid: z.string(),
  protocol: z
    .object({ id: z.string(), title: z.string(), rows: z.number().int(), columns: z.number().int() })
    .optional()
    .describe('Absent: none fits. Hang as you always do.'),
  cells: z
    .array(
      z.object({
        place: z.string().describe('Unique among all protocols.'),
        row: z.number().int().describe('From 1, the top.'),
        column: z.number().int().describe('From 1, the left.'),
        prior: z.boolean(),
        category: z.string(),
        ...ids,
      }),
    )
    .describe('From the top left. Pictures of the study that are in none of them are left to the viewer.'),
  priorStudyInstanceUid: z.string().optional().describe('The earlier study that the prior cells show.'),
  instances: z
    .array(pictureAnswer)
    .describe('Every radiograph of the study, then those of the prior that are hung.'),
});

export const hangingOperations = (hanger: Hanger): Operation[] => [
  operation({
    id: 'hangStudy',
    method: 'get',
    path: '/api/v1/studies/{StudyInstanceUID}/hanging',
    summary: 'How the radiographs of a study are to be hung',
    role: 'viewer',
    params: z.strictObject({ StudyInstanceUID: uid }),
    query: z.strictObject({
      priors: z
        .enum(['true', 'false'])
        .default('true')
        .describe('false: the viewer cannot show an earlier study.'),
    }),
    answer,
    handle: async ({ params, query }) =>
      answerOf(await hanger.hang(params.StudyInstanceUID, { withPriors: query.priors === 'true' })),
  }),
];

/** What the API says of a study that was hung. */
export function answerOf({ study, pictures, hung }: HungStudy): z.input<typeof answer> {
  const cells = hung?.cells ?? [];
  const priors = cells.flatMap(({ cell, picture }) => (cell.prior ? [picture] : []));
  const priorStudy = priors[0]?.studyInstanceUid;
  return {
    studyInstanceUid: study.studyInstanceUid,
    ...(hung === undefined
      ? {}
      : {
          protocol: {
            id: hung.protocol.id,
            title: hung.protocol.title,
            rows: hung.protocol.rows,
            columns: hung.protocol.columns,
          },
        }),
    cells: cells.map(({ cell: { place, row, column, prior, category }, picture }) => ({
      place,
      row,
      column,
      prior,
      category,
      ...idsOf(picture),
    })),
    ...(priorStudy === undefined ? {} : { priorStudyInstanceUid: priorStudy }),
    instances: [...pictures, ...priors].map(described),
  };
}

const idsOf = ({ sopInstanceUid, seriesInstanceUid, studyInstanceUid, orthancId }: HungPicture) => ({
  sopInstanceUid,
  seriesInstanceUid,
  studyInstanceUid,
  orthancId,
});

function described(picture: HungPicture): z.input<typeof pictureAnswer> {
  const { recorded, side, score, who, state } = picture;
  const codes = recorded === undefined ? undefined : codesOf(recorded);
  return {
    ...idsOf(picture),
    state,
    ...(recorded === undefined ? {} : { category: recorded }),
    ...(codes === undefined ? {} : { region: codes.region }),
    ...(codes?.view === undefined ? {} : { view: codes.view }),
    ...(side === undefined ? {} : { laterality: side }),
    ...(score === undefined ? {} : { score }),
    ...(who === undefined ? {} : { who }),
    sure: picture.category !== undefined,
  };
}
