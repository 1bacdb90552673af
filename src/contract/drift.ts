import { z } from 'zod';
import { category } from './named.js';

export const driftStation = z.string().min(1).describe('Station Name, or the serial number of the device.');

export const driftAnswer = z.object({
  changes: z.array(
    z.object({
      station: driftStation,
      category: category
        .optional()
        .describe('What the network took the pictures for; absent where the change is one of all pictures.'),
      signal: z
        .enum(['unsure', 'unknown', 'scores', 'corrected'])
        .describe(
          'What has become more frequent: pictures that need review, pictures of none of the categories, unusual scores (low or high), corrections by people.',
        ),
      when: z.string().describe('When it was noticed, ISO 8601, UTC.'),
      before: z.number().describe('The share of the past, at its upper end.'),
      now: z.number().describe('The share of the latest 50.'),
      examples: z.array(z.string()).describe('Instances, the latest first.'),
    }),
  ),
});
export type DriftAnswer = z.output<typeof driftAnswer>;
