import type { PlainviewError } from '../errors/errors.js';
import type { Store } from '../store/store.js';

/** A service that was started. */
export interface Service {
  /** The address at which the service listens. It listens already while Orthanc starts, so that it misses no notice. */
  url: string;
  /**
   * Resolves when Orthanc has answered, or when the service is stopped before that. Rejects where this Orthanc lacks
   * a capability.
   */
  ready: Promise<void>;
  /** Resolves where another process has taken over the work: this one must stop. */
  lost: Promise<PlainviewError>;
  /** Completes the running jobs, until `shutdownSeconds` are over. The others are left to the next start. */
  stop(): Promise<void>;
}

/** Where a service keeps its state. */
export interface State {
  store: Store;
  /** Names the place in messages. */
  place: string;
  /** This process, and since when it works, where others wait for it to end. */
  leader?: { who: string; since: string };
}
