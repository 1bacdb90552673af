import { z } from 'zod';
import { code } from '../anatomy/code.js';
import { category } from './named.js';

const laterality = z.enum(['R', 'L', 'B']);
const ids = {
  sopInstanceUid: z.string(),
  seriesInstanceUid: z.string(),
  studyInstanceUid: z.string(),
  orthancId: z.string(),
};

const picture = z.object({
  ...ids,
  state: z
    .enum(['category', 'needs_review', 'unknown_view', 'failed', 'undecided'])
    .describe('The decision; undecided until there is one.'),
  category: category.optional().describe('The category recorded.'),
  region: code.optional().describe('CID 4009'),
  view: code.optional().describe('CID 4010'),
  laterality: laterality
    .optional()
    .describe('From the DICOM attributes; absent where they give none, or for an unpaired body part.'),
  score: z
    .number()
    .optional()
    .describe('Softmax of the category, else the best score; absent where a person decided.'),
  who: z.enum(['network', 'person']).optional(),
  turned: z
    .literal([0, 90, 180, 270])
    .optional()
    .describe(
      'By how many degrees the viewer must turn the picture clockwise to show it upright; absent where that is not told.',
    ),
  mirrored: z
    .literal(true)
    .optional()
    .describe(
      'The chest is mirrored, or the organs are (situs inversus), which looks the same: the viewer says so, and does not mirror it by itself.',
    ),
  instead: z
    .string()
    .optional()
    .describe(
      'SOP Instance UID of the picture that is hung in place of this one: it shows the same exposure.',
    ),
  sure: z.boolean().describe('Whether it can be hung by its category.'),
});

/** How the radiographs of a study are hung. */
export const hangingAnswer = z.object({
  studyInstanceUid: z.string(),
  protocol: z
    .object({ id: z.string(), title: z.string(), rows: z.number().int(), columns: z.number().int() })
    .optional()
    .describe("Absent where none fits: use the viewer's default."),
  cells: z
    .array(
      z.object({
        place: z.string().describe('Unique among all protocols.'),
        row: z.number().int().describe('From 1, the top.'),
        column: z.number().int().describe('From 1, the left.'),
        prior: z.boolean(),
        category,
        ...ids,
      }),
    )
    .describe('From the top left. The viewer places the pictures that are in no cell.'),
  priorStudyInstanceUid: z.string().optional().describe('The earlier study that the prior cells show.'),
  instances: z
    .array(picture)
    .describe('Every radiograph of the study, then those of the prior that are hung.'),
});
export type HangingAnswer = z.output<typeof hangingAnswer>;
