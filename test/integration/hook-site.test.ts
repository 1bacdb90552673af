import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hookKey } from '../../src/access/keys.js';
import type { SandboxOrthanc } from '../../src/sandbox/orthanc.js';
import { image } from '../../testkit/dicom.js';
import { Listener } from '../../testkit/listener.js';
import { storeInstance, waitFor, withOrthanc } from '../../testkit/orthanc.js';
import { instancesSeenBySite, siteScript, useSite } from '../../testkit/site.js';

const site = useSite();

const hook = () => ({ url: site.listener.url, secret: 'between us' });
const notifiedInstances = (): string[] => site.listener.requests.map(({ body }) => JSON.parse(body).instance);

async function storeTwo(orthanc: SandboxOrthanc): Promise<string[]> {
  const stored = [await storeInstance(orthanc.url, image()), await storeInstance(orthanc.url, image())];
  return stored.map(({ orthancId }) => orthancId);
}

describe.each(['before', 'after'] as const)("a site's own callback loaded %s the hook", (order) => {
  test('runs as before, and the hook too', async () => {
    const scripts = { [order]: [await siteScript(site.folder, 'own')] };
    await withOrthanc({ hook: hook(), scripts }, async (orthanc) => {
      const stored = await storeTwo(orthanc);
      await waitFor(
        async () =>
          (await instancesSeenBySite(orthanc, 'own')).length === 2 && notifiedInstances().length === 2,
      );
      expect(await instancesSeenBySite(orthanc, 'own')).toEqual(stored);
      expect(notifiedInstances()).toEqual(stored);
    });
  });

  test('may fail: Orthanc logs its error as without the hook, and the hook still sends notices', async () => {
    const scripts = { [order]: [await siteScript(site.folder, 'own', "error('out of paper')")] };
    await withOrthanc({ hook: hook(), scripts }, async (orthanc) => {
      const stored = await storeTwo(orthanc);
      await waitFor(async () => (await orthanc.log()).split('out of paper').length === 3);
      expect(notifiedInstances()).toEqual(stored);
    });
  });

  test('keeps the time-out that it has set, and gets all arguments that Orthanc passes', async () => {
    const slow = await new Listener().listen();
    try {
      slow.answer = 'never';
      const own = `
        if tags['Modality'] == 'DX' and metadata['TransferSyntax'] and origin['RequestOrigin'] == 'RestApi' then
          if not TimeoutSet then SetHttpTimeout(3); TimeoutSet = true end
          HttpPost('${slow.url}', 'x', { x = 'y' })
          print('site waited ' .. instance)
        end`;
      const scripts = { [order]: [await siteScript(site.folder, 'own', own)] };
      await withOrthanc({ hook: hook(), scripts }, async (orthanc) => {
        await storeTwo(orthanc);
        // Before the second call, the hook has set its own time-out of one second.
        const requestedAt = await waitFor(() => slow.requests.length === 2 && Date.now());
        await waitFor(async () => (await instancesSeenBySite(orthanc, 'waited')).length === 2);
        expect(Date.now() - requestedAt).toBeGreaterThan(2_000);
      });
    } finally {
      await slow.close();
    }
  });
});

test('credentials that a site sets for its own calls are not sent to the service', async () => {
  const own = await siteScript(site.folder, 'own', `SetHttpCredentials('site', 'password')`);
  await withOrthanc({ hook: hook(), scripts: { before: [own] } }, async (orthanc) => {
    await storeTwo(orthanc);
    const second = await waitFor(() => site.listener.requests[1]);
    expect(second.headers.authorization).toBeUndefined();
    expect(second.headers['x-plainview-hook-key']).toBe(hookKey('between us'));
  });
});

test('callbacks that call each other run once each, and so does the hook', async () => {
  const chaining = async (name: string) => {
    const file = join(site.folder, `${name}.lua`);
    await writeFile(
      file,
      `local before = OnStoredInstance
function OnStoredInstance(instance, ...)
  print('site ${name} ' .. instance)
  if before then before(instance, ...) end
end
`,
    );
    return file;
  };
  const scripts = {
    before: [await chaining('first'), await chaining('second')],
    after: [await chaining('third'), await chaining('fourth')],
  };
  await withOrthanc({ hook: hook(), scripts }, async (orthanc) => {
    const stored = await storeTwo(orthanc);
    await waitFor(async () => (await instancesSeenBySite(orthanc, 'first')).length === 2);
    for (const name of ['first', 'second', 'third', 'fourth']) {
      expect(await instancesSeenBySite(orthanc, name)).toEqual(stored);
    }
    expect(notifiedInstances()).toEqual(stored);
  });
});

test('as without the hook, a callback that does not call the previous one replaces it', async () => {
  const scripts = { before: [await siteScript(site.folder, 'old'), await siteScript(site.folder, 'new')] };
  await withOrthanc(
    { hook: hook(), scripts: { ...scripts, after: [await siteScript(site.folder, 'newest')] } },
    async (orthanc) => {
      await storeTwo(orthanc);
      await waitFor(async () => (await instancesSeenBySite(orthanc, 'newest')).length === 2);
      expect(await instancesSeenBySite(orthanc, 'old')).toEqual([]);
      expect(await instancesSeenBySite(orthanc, 'new')).toEqual([]);
    },
  );
});

test('a script that was loaded before and guards the globals keeps its guard', async () => {
  const guard = join(site.folder, 'guard.lua');
  await writeFile(
    guard,
    `setmetatable(_G, { __newindex = function(t, k, v) print('site guards 0' .. (k == 'Undeclared' and 'a' or '0')); rawset(t, k, v) end })
`,
  );
  const own = await siteScript(site.folder, 'own', 'Undeclared = 1');
  await withOrthanc({ hook: hook(), scripts: { before: [guard], after: [own] } }, async (orthanc) => {
    const stored = await storeTwo(orthanc);
    await waitFor(async () => (await instancesSeenBySite(orthanc, 'own')).length === 2);
    expect(notifiedInstances()).toEqual(stored);
    expect(await instancesSeenBySite(orthanc, 'guards')).toContain('0a');
  });
});
