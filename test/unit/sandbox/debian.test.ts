import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { provideDebianOrthanc } from '../../../src/sandbox/debian.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plainview-debian-'));
  vi.stubEnv('PLAINVIEW_SANDBOX', join(folder, 'sandbox'));
  vi.stubEnv('PLAINVIEW_DEBIAN_MIRROR', '');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function fakeTools(tools: Record<string, string>): Promise<void> {
  await mkdir(join(folder, 'bin'), { recursive: true });
  for (const [name, script] of Object.entries(tools)) {
    const file = join(folder, 'bin', name);
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
  }
  vi.stubEnv('PATH', `${join(folder, 'bin')}${delimiter}${process.env.PATH}`);
}

/** An apt that knows one mirror and "downloads" one package, and a dpkg-deb that "unpacks" it. */
const apt = `case "$*" in
  *--print-uris*) echo "'http://mirror.example/debian/dists/stable/InRelease' x 0" ;;
  *update*) cat "$(dirname "$3")/sources.list" > ${'"$SEEN"'} ;;
  *install*) echo fetched >> ${'"$SEEN"'}; touch "$(dirname "$3")/archives/orthanc.deb" ;;
esac`;
const dpkg = 'mkdir -p "$3/usr"; echo "$2" > "$3/usr/whole"';

test('without apt the message names alternatives', async () => {
  vi.stubEnv('PATH', folder);
  await expect(provideDebianOrthanc()).rejects.toMatchObject({
    code: 'sandbox_unavailable',
    message: expect.stringMatching(/apt-get.*Docker.*PLAINVIEW_ORTHANC_URL/),
  });
});

// Other systems have neither a mirror of Debian nor its key.
const onDebian =
  existsSync('/usr/share/keyrings/debian-archive-keyring.gpg') && existsSync('/etc/debian_version');
describe.runIf(onDebian)('on a Debian', () => {
  beforeEach(() => vi.stubEnv('SEEN', join(folder, 'seen')));

  test("packages come from the host's own mirror, signed by Debian, once", async () => {
    await fakeTools({ 'apt-get': apt, 'dpkg-deb': dpkg });
    const root = await provideDebianOrthanc();
    expect(await readFile(join(root, 'usr', 'whole'), 'utf8')).toContain('orthanc.deb');
    const seen = await readFile(join(folder, 'seen'), 'utf8');
    expect(seen).toMatch(
      /^deb \[signed-by=\S+debian-archive-keyring\.\w+\] http:\/\/mirror\.example\/debian forky main/,
    );
    await fakeTools({ 'apt-get': 'exit 1', 'dpkg-deb': 'exit 1' });
    expect(await provideDebianOrthanc()).toBe(root);
  });

  test('two calls at once both get a complete folder, and leave no other files', async () => {
    await fakeTools({ 'apt-get': apt, 'dpkg-deb': dpkg });
    const [first, second] = await Promise.all([provideDebianOrthanc(), provideDebianOrthanc()]);
    expect(second).toBe(first);
    expect(existsSync(join(first, 'usr', 'whole'))).toBe(true);
    expect(await readdir(join(folder, 'sandbox'))).toHaveLength(1);
  });

  test('an interrupted installation leaves nothing that the next one takes for Orthanc', async () => {
    await fakeTools({ 'apt-get': apt, 'dpkg-deb': 'mkdir -p "$3/usr"; echo "disk is full" >&2; exit 2' });
    await expect(provideDebianOrthanc()).rejects.toThrow('disk is full');
    expect(await readdir(join(folder, 'sandbox'))).toEqual([]);
    await fakeTools({ 'dpkg-deb': dpkg });
    expect(existsSync(join(await provideDebianOrthanc(), 'usr', 'whole'))).toBe(true);
  });

  test('if the host’s apt has no Debian mirror, the message tells how to name one', async () => {
    await fakeTools({ 'apt-get': `echo "'http://other.example/dists/focal/InRelease' x 0"` });
    await expect(provideDebianOrthanc()).rejects.toThrow('PLAINVIEW_DEBIAN_MIRROR');
  });
});
