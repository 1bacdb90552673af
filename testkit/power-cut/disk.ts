import type { ServiceProcess } from '../service-process.js';

/** A folder of which a test can see what a power cut would leave. */
export interface Disk {
  /** How it knows. */
  kind: 'loop device' | 'replay';
  /** For the service under test. */
  stateDir: string;
  /** The command under which the service must run; empty: none. */
  under: readonly string[];
  /** What a power cut at this moment leaves of `stateDir`, as a new folder. The service goes on. */
  cut(service: Pick<ServiceProcess, 'freeze' | 'thaw'>): Promise<string>;
  discard(): Promise<void>;
}
