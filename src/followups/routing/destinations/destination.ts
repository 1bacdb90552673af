import type { Due } from '../ledger.js';

/** A place to send to. */
export interface Destination {
  /** `peer:orthopaedics` */
  readonly name: string;
  /** How much it takes at a time. */
  readonly most: number;
  /**
   * Sends all of it, or throws; what is sent twice does no harm.
   * @throws route_unreachable where the place is at fault, or that cannot be told; route_rejected where it does not
   * take this one thing; Orthanc's errors where Orthanc is away
   */
  send(due: readonly Due[], signal: AbortSignal): Promise<void>;
  /** Whether the place answers when it is merely asked; undefined where asking is sending. */
  answers(): Promise<boolean | undefined>;
  close(): void;
}
