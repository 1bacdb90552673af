import type { InstanceId } from '../orthanc/ids.js';
import type { InstanceContent } from '../orthanc/resources.js';

/**
 * Work that follows a recorded decision of a network or a person: tags, reports, routes. It never changes the decision.
 * Its failure has no effect on the decision.
 */
export interface FollowUp {
  readonly name: string;
  /** Whether it is not done yet for the recorded decision. Only the metadata tells what was done. */
  isDue(instance: InstanceContent): boolean;
  /**
   * May run again after a former run was cut off at any point.
   * @throws errors of the catalogue; after a transient one it runs again
   */
  run(id: InstanceId): Promise<void>;
  /** Writes into the metadata why it failed for this decision. It is no longer due then. */
  recordFailure(instance: InstanceContent, failure: { code: string; message: string }): Promise<void>;
}
