import type { Entries } from './entries.js';

export const hangingErrors = {
  study_unknown: {
    transient: false,
    message: (_: object) =>
      'Orthanc has no study of that StudyInstanceUID, or has it under two patients so that none can be meant.',
  },
} satisfies Entries;
