import { describe, expect, test } from 'vitest';
import { useOrthanc } from '../../testkit/orthanc.js';
import {
  neverStable,
  recordedVersion,
  scriptNames,
  scripts,
  transcriptOf,
} from '../../testkit/orthanc-conformance/suite.js';
import { isInPostgresql } from '../../testkit/postgresql.js';

// What the fake keeps to is what Orthanc with SQLite does.
describe.skipIf(isInPostgresql).each(scriptNames)('the real Orthanc, %s', (name) => {
  const { run, configuration } = scripts[name];
  const real = useOrthanc({ configuration: { ...neverStable, ...configuration } });

  test('answers what the fake answers too', async ({ skip }) => {
    const system = await fetch(`${real.orthanc.url}/system`);
    const { Version } = (await system.json()) as { Version: string };
    skip(Version !== recordedVersion, `written down of ${recordedVersion}; this is ${Version}`);
    expect(await run(real.orthanc.url)).toBe(await transcriptOf(name));
  });
});
