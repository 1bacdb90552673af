import { z } from 'zod';
import { instanceRecord, metadataNames, readRecord } from '../../decisions/schema.js';
import { pictureOf } from '../../decisions/tags-record.js';
import type { IdentifiedInstance, InstanceContent } from '../../orthanc/resources.js';

/** A route of a study to one destination. */
const studyRoute = z.object({
  /** `peer:orthopaedics` */
  to: z.string(),
  rule: z.string(),
  /** What the study was when the rule applied: `StudyFacts.content`. Of an instance: `when` of the decision. */
  of: z.string(),
  state: z.enum(['pending', 'sent', 'failed', 'skipped']),
  /** When the rule was applied, ISO 8601. */
  asked: z.string(),
  /** When the route was sent, failed or was skipped, ISO 8601. */
  ended: z.string().optional(),
  /** Why it failed or was skipped. */
  why: z.string().optional(),
});
export type StudyRoute = z.output<typeof studyRoute>;

/** A route of one instance to one destination. */
export const route = studyRoute.extend({
  decision: instanceRecord.shape.decision,
  category: z.string().optional(),
});
export type Route = z.output<typeof route>;

/** The content of the metadata `RadiographRoutes` of an instance: its pending and ended routes. */
export const instanceRoutes = z.object({
  version: z.literal(1),
  /** Whose routes these are: `pictureOf`. Older versions did not write it. */
  picture: z.string().optional(),
  /** `when` of the decision that the rules were applied to; absent while they are being applied. */
  of: z.string().optional(),
  /** The version of the rules: the beginning of the file's SHA-256. */
  rules: z.string().optional(),
  /** The oldest first. Routes of earlier decisions are kept. */
  routes: z.array(route),
  /** The labels of the rules that apply. */
  wanted: z.array(z.string()),
  /** Those of them that Plainview added to the instance. */
  labels: z.array(z.string()),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
});
export type InstanceRoutes = z.output<typeof instanceRoutes>;

/** What the rules on studies made of a study. */
export const studyRoutes = z.object({
  /** What the study was when the rules were applied last. */
  content: z.string(),
  /** The version of the rules: the beginning of the file's SHA-256. */
  rules: z.string(),
  /** The labels of the rules that apply. */
  wanted: z.array(z.string()),
  /** The oldest first. */
  routes: z.array(studyRoute),
});
export type StudyRoutes = z.output<typeof studyRoutes>;

/** The content of the metadata `RadiographRoutes` of a series or study. `study`: only of a study, and where there are such rules. */
export const groupRoutes = z.object({
  version: z.literal(1),
  labels: z.array(z.string()),
  study: studyRoutes.optional(),
});

/** What the rules on studies made of a study, as its metadata tells. */
export const studyRoutesOf = ({ Metadata }: Pick<InstanceContent, 'Metadata'>): StudyRoutes | undefined =>
  readRecord(groupRoutes, Metadata[metadataNames.routes])?.study;

/** Labels of an instance with such a route. After a restart, pending routes are found by their label. */
export const routeLabels = { pending: 'route_pending', failed: 'route_failed' } as const;

/** Limits the ended routes that the record keeps. */
const maxEnded = 50;

/**
 * The routes of an instance. Those of a picture that was replaced while they were being written are none of the picture
 * that is there now.
 */
export function routesOf(
  instance: InstanceContent & Partial<Pick<IdentifiedInstance, 'FileUuid'>>,
): InstanceRoutes | undefined {
  const known = readRecord(instanceRoutes, instance.Metadata[metadataNames.routes]);
  const { FileUuid } = instance;
  if (known?.picture === undefined || FileUuid === undefined) return known;
  return known.picture === pictureOf({ ...instance, FileUuid }) ? known : undefined;
}

/** Whether a route of the last decision failed. The label `route_failed` shows it. */
export const isFailedRoute =
  ({ of }: { of?: string | undefined }) =>
  (route: StudyRoute): boolean =>
    route.state === 'failed' && route.of === of;

export const isPendingRoute = ({ state }: StudyRoute): boolean => state === 'pending';

/** Drops the oldest ended routes, where there are more than `maxEnded`. */
export function dropOldest(routes: readonly Route[]): Route[] {
  const ended = routes.filter(({ state }) => state !== 'pending').length;
  let over = ended - maxEnded;
  return routes.filter(({ state }) => state === 'pending' || over-- <= 0);
}
