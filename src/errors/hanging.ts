import type { ErrorEntries } from './entry.js';

/** Hanging protocols. */
export const hangingErrors = {
  study_unknown: {
    message: (_: object) =>
      'Orthanc has no study with this StudyInstanceUID, or it has two of them that belong to different patients. Check the StudyInstanceUID.',
    transient: false,
    status: 404,
    exit: 1,
  },
} satisfies ErrorEntries;
