import { describe } from 'vitest';
import { readsByUid } from '../../testkit/by-uid.js';
import { useOrthanc } from '../../testkit/orthanc.js';

describe('a real Orthanc, read by UID', () => {
  const real = useOrthanc();
  readsByUid(() => real.orthanc.url);
});
