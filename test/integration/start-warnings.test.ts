import { expect, test } from 'vitest';
import { stubClassifier } from '../../testkit/classifier.js';
import { startFaultyProxy } from '../../testkit/faulty-proxy.js';
import { withOrthanc } from '../../testkit/orthanc.js';
import { startTestService } from '../../testkit/service.js';

/** The warnings that a service logs until it is ready. */
async function warningsAtStart(orthanc: string, env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const service = await startTestService({ orthanc, classifier: stubClassifier(), env });
  await service.stop();
  const lines = service.log().trim().split('\n');
  return lines.flatMap((line) => {
    const { level, msg } = JSON.parse(line) as { level: number; msg: string };
    return level === 40 && /^Orthanc|^If Orthanc/.test(msg) ? [msg] : [];
  });
}

test.each([
  ['trixie', { PLAINVIEW_REPORT: 'study' }, [expect.stringContaining('can freeze')]],
  ['trixie', {}, []],
  ['forky', { PLAINVIEW_REPORT: 'study' }, []],
] as const)('the start warns of an Orthanc that can freeze: %s, %o', async (suite, env, warnings) => {
  await withOrthanc({ suite }, async ({ url }) => {
    expect(await warningsAtStart(url, env)).toEqual(warnings);
  });
});

test('the start names the setting of GDCM that Plainview cannot see, also where Orthanc hides its plugins', async () => {
  await withOrthanc({ plugins: ['gdcm'] }, async ({ url }) => {
    const remedy =
      '"Gdcm": { "RestrictTransferSyntaxes": ["1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"] }';
    const [seen, ...more] = await warningsAtStart(url);
    expect(seen).toMatch(/^Orthanc has the plugin GDCM/);
    expect(seen).toContain(remedy);
    expect(more).toEqual([]);
    const proxy = await startFaultyProxy(url);
    try {
      for (const status of [403, 404]) {
        proxy.decide = ({ url: path }) => (path === '/plugins' ? status : 'pass');
        const [hidden, ...others] = await warningsAtStart(proxy.url);
        expect(hidden).toMatch(/^If Orthanc has the plugin GDCM/);
        expect(hidden).toContain(remedy);
        expect(others).toEqual([]);
      }
    } finally {
      await proxy.stop();
    }
  });
});
