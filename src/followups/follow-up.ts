import type { InstanceId } from '../orthanc/ids.js';
import type { InstanceContent } from '../orthanc/resources.js';

/**
 * What follows a recorded decision, of a network or a person: tags, reports, routes. It never changes the decision, and
 * its failure has no effect on the decision.
 */
export interface FollowUp {
  readonly name: string;
  /** Whether it is still to be done for the decision that is recorded. The metadata alone says what was done. */
  isDue(instance: InstanceContent): boolean;
  /**
   * May run again after a former run was cut off at any point.
   * @throws errors of the catalogue; after a transient one it runs again
   */
  run(id: InstanceId): Promise<void>;
  /** Writes into the metadata why it cannot be done for this decision: it is no longer due then. */
  giveUp(instance: InstanceContent, failure: { code: string; message: string }): Promise<void>;
}
