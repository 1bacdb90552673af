import { z } from 'zod';
import { instanceRecord } from '../decisions/schema.js';

/** The messages to webhooks of the rules, as `docs/routing.md` shows them. */

const { decision, who, network } = instanceRecord.shape;
const top = instanceRecord.shape.top.describe("The network's best categories.");
const category = z.string().nullable().describe('null where the decision gave none.');
const studyInstanceUid = z.string();
const rule = z.string().describe('Name of the rule.');

export const radiographDecided = z.object({
  type: z.literal('radiograph.decided'),
  timestamp: z.iso.datetime().describe('When it was decided.'),
  data: z.object({
    rule,
    instance: z.string().describe("Orthanc's identifier, as those of series and study."),
    series: z.string(),
    study: z.string(),
    studyInstanceUid,
    seriesInstanceUid: z.string(),
    sopInstanceUid: z.string(),
    decision,
    category,
    score: z.number().nullable(),
    top,
    who,
    network,
  }),
});

export const studyRuleApplied = z.object({
  type: z.literal('study.rule_applied'),
  timestamp: z.iso.datetime().describe('When the rule applied.'),
  data: z.object({
    rule,
    study: z.string().describe("Orthanc's identifier, as those of series and instances."),
    studyInstanceUid,
    pictures: z.array(
      z.object({
        instance: z.string(),
        series: z.string(),
        seriesInstanceUid: z.string(),
        sopInstanceUid: z.string(),
        decision: z
          .enum([...decision.options, 'undecided'])
          .describe('`undecided`: nothing was decided within the time that the rules wait.'),
        category,
        side: z.enum(['left', 'right', 'both']).nullable().describe('null where DICOM names none.'),
      }),
    ),
  }),
});

/** By `type`. */
export const webhookMessages = {
  'radiograph.decided': radiographDecided,
  'study.rule_applied': studyRuleApplied,
};
