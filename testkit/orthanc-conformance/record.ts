// `npx tsx testkit/orthanc-conformance/record.ts`: runs the conformance scripts on a real Orthanc and stores the
// transcripts.
import { writeFile } from 'node:fs/promises';
import { startOrthanc } from '../../src/sandbox/orthanc.js';
import { neverStable, scriptNames, scripts, transcriptFile } from './suite.js';

for (const name of scriptNames) {
  const { run, configuration } = scripts[name];
  const orthanc = await startOrthanc({
    suite: 'trixie',
    configuration: { ...neverStable, ...configuration },
  });
  try {
    await writeFile(transcriptFile(name), await run(orthanc.url));
  } finally {
    await orthanc.discard();
  }
}
