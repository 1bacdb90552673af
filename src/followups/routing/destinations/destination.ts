import type { DueRoute } from '../ledger.js';

/** A destination of routes. */
export interface Destination {
  /** `peer:orthopaedics` */
  readonly name: string;
  /** Limits the instances in one call of `send`. */
  readonly maxBatch: number;
  /**
   * Sends all instances, or throws. An instance that is sent twice does no harm.
   * @throws route_unreachable where the destination failed, or where the cause is unknown; route_rejected where it does
   * not accept this instance; orthanc_… where Orthanc is away
   */
  send(due: readonly DueRoute[], signal: AbortSignal): Promise<void>;
  /** Whether the destination answers a request that sends nothing. Undefined where there is no such request. */
  isReachable(): Promise<boolean | undefined>;
  close(): void;
}
