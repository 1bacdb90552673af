import type { StudyTree } from '../orthanc/hierarchy.js';
import type { StudyId } from '../orthanc/ids.js';

/** Something in Orthanc that Plainview derives from the instances of a study. It can always be made anew. */
export interface Derived {
  /** For log and metrics. */
  readonly name: string;
  /** Whether it is as the instances ask for. Costs no call. */
  isUpToDate(study: StudyTree): boolean;
  /** Reads the whole study, and writes what differs. */
  update(study: StudyId): Promise<void>;
}
