import type { InstanceId, StudyId } from '../../../orthanc/ids.js';
import type { Due } from '../ledger.js';
import type { StudyRoute } from '../routes-record.js';

/** What any destination needs to know of what it sends. */
export type AnyDue = Due<{ ID: InstanceId | StudyId }, StudyRoute>;

/** A destination of routes. */
export interface Destination<D extends AnyDue> {
  /** `peer:orthopaedics` */
  readonly name: string;
  /** Limits the resources in one call of `send`. */
  readonly maxBatch: number;
  /**
   * Sends all resources, or throws. One that is sent twice does no harm.
   * @throws route_unreachable where the destination failed, or where the cause is unknown; route_rejected where it does
   * not accept this one; orthanc_… where Orthanc is away
   */
  send(due: readonly D[], signal: AbortSignal): Promise<void>;
  /** Whether the destination answers a request that sends nothing. Undefined where there is no such request. */
  isReachable(): Promise<boolean | undefined>;
  close(): void;
}
