import { describe, expect, test } from 'vitest';
import type { SandboxOptions, SandboxOrthanc } from '../../src/sandbox/orthanc.js';
import { image } from '../../testkit/dicom.js';
import type { ListenerResponse } from '../../testkit/listener.js';
import { storeInstance, waitFor, withOrthanc } from '../../testkit/orthanc.js';
import { instancesSeenBySite, siteScript, useSite } from '../../testkit/site.js';

const site = useSite();

/** A script of the site runs after the hook. When it has seen an instance, the hook is done with it. */
async function withHook(
  quietSeconds: number,
  use: (orthanc: SandboxOrthanc) => Promise<void>,
): Promise<void> {
  const options: SandboxOptions = {
    hook: { url: site.listener.url, secret: 'between us' },
    env: { PLAINVIEW_HOOK_QUIET_S: String(quietSeconds) },
    scripts: { after: [await siteScript(site.folder, 'seen')] },
  };
  await withOrthanc(options, use);
}

async function storeMany(orthanc: SandboxOrthanc, count: number): Promise<void> {
  const before = (await instancesSeenBySite(orthanc, 'seen')).length;
  for (let index = 0; index < count; index++) await storeInstance(orthanc.url, image());
  await waitFor(async () => (await instancesSeenBySite(orthanc, 'seen')).length === before + count);
}

/** The lines of the hook in Orthanc's log. */
const hookLines = async (orthanc: SandboxOrthanc): Promise<string[]> =>
  [...(await orthanc.log()).matchAll(/Plainview: (.*)/g)].map(([, line = '']) => line);

describe.each<[string, ListenerResponse, RegExp]>([
  ['never answers', 'never', /^no answer from PLAINVIEW_HOOK_URL/],
  ['answers 401 because the secret is wrong', { status: 401, body: '{}' }, /PLAINVIEW_SECRET the same/],
  ['answers 500', { status: 500, body: 'oops' }, /^the service refuses notices/],
  ['answers with an empty body', { status: 204, body: '' }, /^the service refuses notices/],
])('a service that %s', (_, answer, complaint) => {
  test('is called once for fifty uploads, and logged once', async () => {
    site.listener.answer = answer;
    await withHook(600, async (orthanc) => {
      await storeMany(orthanc, 50);
      expect(site.listener.requests).toHaveLength(1);
      const lines = await hookLines(orthanc);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(complaint);
    });
  });
});

test('a service that does not run causes no delay, and one line in the log', async () => {
  await site.listener.close();
  await withHook(600, async (orthanc) => {
    await storeMany(orthanc, 50);
    expect(await hookLines(orthanc)).toHaveLength(1);
  });
});

test('while the service hangs, nothing waits longer than one second', async () => {
  site.listener.answer = 'never';
  await withHook(600, async (orthanc) => {
    await storeInstance(orthanc.url, image());
    await waitFor(() => site.listener.requests.length === 1);
    // The callback waits now, and so does Orthanc.
    const requestedAt = Date.now();
    expect((await fetch(`${orthanc.url}/system`)).status).toBe(200);
    expect(Date.now() - requestedAt).toBeLessThan(2_000);
    await storeMany(orthanc, 10);
    expect(site.listener.requests).toHaveLength(1);
  });
});

test('a service that is back gets notices again, without a line in the log for every instance', async () => {
  site.listener.answer = { status: 503, body: 'starting' };
  await withHook(1, async (orthanc) => {
    await storeMany(orthanc, 3);
    await site.listener.close();
    // A different failure adds another line.
    await waitFor(async () => {
      await storeMany(orthanc, 1);
      return (await hookLines(orthanc)).length === 2;
    });
    site.listener.answer = { status: 202, body: '{"queued":true}' };
    site.listener.requests.length = 0;
    await site.listener.listen();
    await waitFor(async () => {
      await storeMany(orthanc, 1);
      return site.listener.requests.length > 0;
    });
    site.listener.requests.length = 0;
    await storeMany(orthanc, 5);
    expect(site.listener.requests).toHaveLength(5);
    expect(await hookLines(orthanc)).toEqual([
      expect.stringMatching(/^the service refuses/),
      expect.stringMatching(/^no answer/),
      expect.stringMatching(/^the service takes notices again/),
    ]);
  });
});

test('the pause grows while the failure lasts', async () => {
  site.listener.answer = { status: 500, body: 'oops' };
  await withHook(1, async (orthanc) => {
    const times: number[] = [];
    await waitFor(
      async () => {
        await storeMany(orthanc, 1);
        if (site.listener.requests.length > times.length) times.push(Date.now());
        return times.length === 4;
      },
      { timeout: 30_000 },
    );
    const [first = 0, second = 0, third = 0, fourth = 0] = times;
    // One second, then two, then four. The clock has whole seconds, so each pause may be up to one second longer.
    expect(second - first).toBeGreaterThan(900);
    expect(third - second).toBeGreaterThan(1_900);
    expect(fourth - third).toBeGreaterThan(3_900);
  });
});
