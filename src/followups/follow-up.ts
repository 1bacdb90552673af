import type { Described } from '../orthanc/orthanc.js';
import type { InstanceContent } from '../orthanc/resources.js';

/**
 * What is made of a decision after it was recorded, by a network or a person: reports, routes. It never changes the
 * decision, and its failure never touches it.
 */
export interface FollowUp {
  readonly name: string;
  /** Whether it is still to be made of what stands recorded. Tells by the metadata alone, which says what was made. */
  isDue(instance: InstanceContent): boolean;
  /** May be run again at any point of a former run. @throws errors of the catalogue; those that pass are tried again */
  run(described: Described): Promise<void>;
  /** Notes in the metadata that it cannot be made of this decision, and why: it is no longer due then. */
  giveUp(instance: InstanceContent, failure: { code: string; message: string }): Promise<void>;
}
