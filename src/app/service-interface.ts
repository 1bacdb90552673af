import type { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import type { AuditPlace } from '../access/audit-lines.js';
import type { PlainviewError } from '../errors/errors.js';
import type { Leader } from '../http/health.js';
import type { AdmissionPolicy } from '../queue/admission-policy.js';
import type { Handler, Queue } from '../queue/queue.js';
import type { Locks } from '../store/locks.js';
import type { Store } from '../store/store.js';
import type { Part } from './lifecycle.js';

/** A service that was started. */
export interface Service {
  /** The address at which the service listens. It listens already while Orthanc starts, so that it misses no notice. */
  url: string;
  /**
   * Resolves when Orthanc has answered, or when the service is stopped before that. Rejects where this Orthanc lacks
   * a capability.
   */
  ready: Promise<void>;
  /** Resolves where this process must stop: others have gone on without it, or it could not lead. */
  lost: Promise<PlainviewError>;
  /** For how long the oldest job of this process has been running, in seconds; 0 where none runs. */
  longestRun(): number;
  /** Completes the running jobs, until `shutdownSeconds` are over. The others are left to the next start. */
  stop(): Promise<void>;
}

export interface QueueParts {
  admission: AdmissionPolicy;
  /** Jobs that this process takes at a time. */
  concurrency: number;
  /** And of the backlog. */
  backlog: number;
  handler: Handler;
  log: Logger;
}

/** Where a service keeps its state. */
export interface State {
  store: Store;
  /** Names the place in messages. */
  place: string;
  locks: Locks;
  createQueue(parts: QueueParts): Queue & Part;
  /** Keeps the audit trail too. */
  audit?: AuditPlace;
  /** Where several processes work on the archive. */
  shared?: Shared;
}

/** The processes of an archive, as one of them sees them. */
export interface Shared {
  events: EventEmitter<{
    leads: [Leader];
    leader: [Leader];
    ended: [who: string];
    members: [number];
    joined: [{ who: string; settings: Readonly<Record<string, string>> }];
  }>;
  readonly leads: boolean;
  readonly leader: Leader | undefined;
  readonly members: number;
  /** To be told whenever that changes: one that does not reach Orthanc need not lead. */
  reachesOrthanc(does: boolean): void;
  /** Throws where this process works on the archive no longer. To be called before something is changed in Orthanc. */
  confirm(): Promise<void>;
  messages: Messages;
}

/** What the processes of an archive tell the leader. */
export interface Messages {
  /** Does not wait until it is written. */
  publish(content: unknown): void;
  /** Each message once, or once more after the end of a leader, from now on. @returns a part that stops it */
  receive(onMessage: (content: unknown) => void): Part;
}
