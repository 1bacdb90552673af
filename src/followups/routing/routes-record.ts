import { z } from 'zod';
import { instanceRecord, metadataNames, readRecord } from '../../decisions/schema.js';
import type { InstanceContent } from '../../orthanc/resources.js';

/** One thing to be sent to one place. */
export const route = z.object({
  /** `peer:orthopaedics` */
  to: z.string(),
  rule: z.string(),
  /** `when` of the decision that it was sent for. */
  of: z.string(),
  decision: instanceRecord.shape.decision,
  category: z.string().optional(),
  state: z.enum(['pending', 'sent', 'failed', 'skipped']),
  /** When the rule asked for it, ISO 8601. */
  asked: z.string(),
  /** When it was sent, given up, or found not to be needed. */
  ended: z.string().optional(),
  /** Why it failed or was skipped. */
  why: z.string().optional(),
});
export type Route = z.output<typeof route>;

/** What stands in `RadiographRoutes` of an instance: what was sent where, and what is still to be sent. */
export const instanceRoutes = z.object({
  version: z.literal(1),
  /** `when` of the decision that the rules have been applied to; absent while that is under way. */
  of: z.string().optional(),
  /** Which wording of the rules: the beginning of the file's SHA-256. */
  rules: z.string().optional(),
  /** The oldest first; what was sent for former decisions stays. */
  routes: z.array(route),
  /** Labels that rules ask for. */
  wanted: z.array(z.string()),
  /** Labels on the instance that Plainview put there for a rule. */
  labels: z.array(z.string()),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
});
export type InstanceRoutes = z.output<typeof instanceRoutes>;

/** What stands in `RadiographRoutes` of a series or study. */
export const groupRoutes = z.object({ version: z.literal(1), labels: z.array(z.string()) });

/** On an instance, besides what rules ask for: that is how what is still to be sent is found again after a restart. */
export const routeLabels = { pending: 'route_pending', failed: 'route_failed' } as const;

/** So many of what was sent in the end are remembered. */
const mostEnded = 50;

export const routesOf = (instance: InstanceContent): InstanceRoutes | undefined =>
  readRecord(instanceRoutes, instance.Metadata[metadataNames.routes]);

/** Whether something was given up for the decision that the rules were applied to last: what `route_failed` tells of. */
export const isGivenUp =
  ({ of }: InstanceRoutes) =>
  (route: Route): boolean =>
    route.state === 'failed' && route.of === of;

/** Drops the oldest of what has ended, where it is too much. */
export function bounded(routes: readonly Route[]): Route[] {
  const ended = routes.filter(({ state }) => state !== 'pending').length;
  let over = ended - mostEnded;
  return routes.filter(({ state }) => state === 'pending' || over-- <= 0);
}
