import { describe, expect, test } from 'vitest';
import { useOrthanc } from '../../testkit/orthanc.js';
import {
  neverStable,
  recordedVersion,
  scriptNames,
  scripts,
  transcriptOf,
} from '../../testkit/orthanc-conformance/suite.js';
import { isInPostgresql } from '../../testkit/variants.js';

// The fake behaves like an Orthanc with SQLite.
describe.skipIf(isInPostgresql).each(scriptNames)('the real Orthanc, %s', (name) => {
  const { run, configuration } = scripts[name];
  // What was recorded is of the older version.
  const real = useOrthanc({ suite: 'trixie', configuration: { ...neverStable, ...configuration } });

  test('gives the same answers as the fake', async ({ skip }) => {
    const system = await fetch(`${real.orthanc.url}/system`);
    const { Version } = (await system.json()) as { Version: string };
    skip(Version !== recordedVersion, `written down of ${recordedVersion}; this is ${Version}`);
    expect(await run(real.orthanc.url)).toBe(await transcriptOf(name));
  });
});
