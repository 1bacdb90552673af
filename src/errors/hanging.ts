import type { Entries } from './entries.js';

export const hangingErrors = {
  study_unknown: {
    passing: false,
    say: (_: object) =>
      'Orthanc has no study of that StudyInstanceUID, or has it under two patients so that none can be meant.',
  },
} satisfies Entries;
