import { z } from 'zod';
import type { Categories } from '../../anatomy/categories.js';
import { type HangingAnswer, hangingAnswer } from '../../contract/hanging.js';
import type { Hanger, HungPicture, HungStudy } from '../../hanging/hanger.js';
import { uid } from '../../orthanc/ids.js';
import { type Operation, operation } from './operation.js';

export const hangingOperations = (hanger: Hanger, categories: Categories): Operation[] => [
  operation({
    id: 'hangStudy',
    tag: 'hanging',
    method: 'get',
    path: '/api/v1/studies/{StudyInstanceUID}/hanging',
    summary: 'How to hang the radiographs of a study',
    role: 'viewer',
    params: z.strictObject({ StudyInstanceUID: uid }),
    query: z.strictObject({
      priors: z
        .enum(['true', 'false'])
        .default('true')
        .describe('false: the viewer cannot show an earlier study.'),
    }),
    answer: hangingAnswer,
    handle: async ({ params, query }) =>
      answerOf(
        await hanger.hang(params.StudyInstanceUID, { withPriors: query.priors === 'true' }),
        categories,
      ),
  }),
];

/** The API's answer for a study. */
export function answerOf({ study, pictures, hung }: HungStudy, categories: Categories): HangingAnswer {
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
    instances: [...pictures, ...priors].map((picture) => pictureAnswer(picture, categories)),
  };
}

const idsOf = ({ sopInstanceUid, seriesInstanceUid, studyInstanceUid, orthancId }: HungPicture) => ({
  sopInstanceUid,
  seriesInstanceUid,
  studyInstanceUid,
  orthancId,
});

function pictureAnswer(picture: HungPicture, categories: Categories): HangingAnswer['instances'][number] {
  const { recorded, side, score, who, turned, mirrored, state, instead } = picture;
  const codes = recorded === undefined ? undefined : categories.codesOf(recorded);
  return {
    ...idsOf(picture),
    state,
    ...(recorded === undefined ? {} : { category: recorded }),
    ...(codes === undefined ? {} : { region: codes.region }),
    ...(codes?.view === undefined ? {} : { view: codes.view }),
    ...(side === undefined ? {} : { laterality: side }),
    ...(score === undefined ? {} : { score }),
    ...(who === undefined ? {} : { who }),
    ...(turned === undefined ? {} : { turned }),
    ...(mirrored === undefined ? {} : { mirrored }),
    ...(instead === undefined ? {} : { instead }),
    sure: picture.category !== undefined,
  };
}
