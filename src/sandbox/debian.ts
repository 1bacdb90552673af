import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createError } from '../errors/errors.js';
import { ownerOnly } from '../files/replace.js';
import { lastLines, runCommand } from './command.js';
import type { Launch, OrthancSpec, SandboxPlugin } from './launch.js';
import { makeSandboxFolder, sandboxFolder } from './places.js';
import { plainFolder, plainProgram } from './plain-path.js';

/*
 * Orthanc from Debian's packages, unpacked into a private folder. This needs no root and installs nothing on the host.
 * Debian 12 has Orthanc 1.10, which has no labels. So the packages come from a later suite, and run with the C library of
 * that suite: `trixie` has Orthanc 1.12.7, `forky` has 1.13.0.
 */
export type DebianSuite = 'trixie' | 'forky';
const packages = ['orthanc', 'orthanc-python', 'orthanc-dicomweb', 'orthanc-gdcm', 'orthanc-postgresql'];

/** Dependencies that Orthanc does not need at run time. They are declared as installed, so that apt leaves them out. */
const notNeeded = [
  ...['adduser', 'debconf', 'passwd', 'perl-base', 'libsemanage2', 'systemd', 'systemd-standalone-sysusers'],
  ...[
    'libssl-dev',
    'locales',
    'media-types',
    'netbase',
    'openssl-provider-legacy',
    'readline-common',
    'tzdata',
  ],
];

/** The folder's name. Change the number when the suite or the packages change, so that they get a new folder. */
const layout = (suite: DebianSuite): string => `debian-${suite}-2`;

const keyrings = ['gpg', 'pgp'].map((kind) => `/usr/share/keyrings/debian-archive-keyring.${kind}`);

const pluginFiles: Record<SandboxPlugin, string> = {
  dicomweb: 'libOrthancDicomWeb.so',
  gdcm: 'libOrthancGdcm.so',
  postgresql: 'libOrthancPostgreSQLIndex.so',
  python: 'libOrthancPython.so',
};

/** Unpacks Orthanc unless it is unpacked already. @returns the root folder of the unpacked packages */
export async function provideDebianOrthanc(
  onProgress: (line: string) => void = () => {},
  suite: DebianSuite = 'forky',
): Promise<string> {
  const root = join(sandboxFolder(), layout(suite));
  if (existsSync(root)) return root;
  makeSandboxFolder(dirname(root));
  const mirror = await findMirror(suite);
  onProgress(`Fetching Orthanc from ${mirror} (about 50 MB, once) …`);
  const work = await mkdtemp(`${root}.`);
  try {
    await download(await plainFolder(work), mirror, suite);
    const unpacked = join(work, 'root');
    for (const file of await readdir(join(work, 'archives'))) {
      if (file.endsWith('.deb')) await runOrThrow('dpkg-deb', ['-x', join(work, 'archives', file), unpacked]);
    }
    // Two processes at once do the same work, and the first rename succeeds. So no lock can become stale, and the folder
    // is never incomplete.
    await rename(unpacked, root).catch((cause: unknown) => {
      if (!existsSync(root)) throw cause;
    });
    return root;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The mirror that the host's apt uses, so that a site's own mirror is used here too. */
async function findMirror(suite: DebianSuite): Promise<string> {
  if (process.env.PLAINVIEW_DEBIAN_MIRROR) return process.env.PLAINVIEW_DEBIAN_MIRROR;
  const uris = await runOrThrow('apt-get', ['update', '--print-uris']);
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const codename = /^VERSION_CODENAME="?([\w-]+)/m.exec(release)?.[1];
  const isDebian = /^ID="?debian"?$/m.test(release);
  const suites = new Set([codename, suite, 'stable', 'testing', 'unstable', 'sid']);
  for (const [, mirror, dist] of uris.matchAll(/^'(\S+)\/dists\/([^/\s]+)\/InRelease'/gm)) {
    if (isDebian && mirror && suites.has(dist)) return mirror;
  }
  throw createError('sandbox_unavailable', {
    why: "this host's apt has no mirror of Debian; name one in PLAINVIEW_DEBIAN_MIRROR",
  });
}

async function download(work: string, mirror: string, suite: DebianSuite): Promise<void> {
  const keyring = keyrings.find((file) => existsSync(file));
  if (!keyring) {
    throw createError('sandbox_unavailable', { why: 'the package debian-archive-keyring is not installed' });
  }
  await mkdir(join(work, 'lists', 'partial'), { recursive: true });
  await mkdir(join(work, 'archives', 'partial'), { recursive: true });
  await writeFile(join(work, 'sources.list'), `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  const status = notNeeded.map(
    (name) =>
      `Package: ${name}\nStatus: install ok installed\nArchitecture: all\nMulti-Arch: foreign\nVersion: 999\n`,
  );
  await writeFile(join(work, 'status'), status.join('\n'));
  // apt reads this after the host's configuration. Its proxies and credentials stay; its hooks must not run.
  const conf = [
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
    `Dir::State "${work}";`,
    `Dir::State::lists "${work}/lists";`,
    `Dir::State::status "${work}/status";`,
    `Dir::Cache "${work}";`,
    `Dir::Cache::archives "${work}/archives";`,
    `Dir::Etc::sourcelist "${work}/sources.list";`,
    'Dir::Etc::sourceparts "/dev/null";',
    'Dir::Etc::preferences "/dev/null";',
    'Dir::Etc::preferencesparts "/dev/null";',
    'APT::Sandbox::User "";',
    'APT::Install-Recommends "false";',
    'Acquire::Languages "none";',
    'Acquire::Retries "2";',
    'Acquire::http::Timeout "30";',
    'Acquire::https::Timeout "30";',
  ];
  await writeFile(join(work, 'apt.conf'), conf.join('\n'));
  const apt = (...args: string[]) => runOrThrow('apt-get', ['-q', '-c', join(work, 'apt.conf'), ...args]);
  await apt('update', '--error-on=any');
  await apt('install', '--yes', '--download-only', ...packages);
}

async function runOrThrow(command: string, args: string[]): Promise<string> {
  const result = await runCommand(command, args);
  if (result.status === 0) return result.stdout;
  throw createError('sandbox_unavailable', { why: `${command} failed: ${lastLines(result.stderr)}` });
}

/** The loader gets the libraries as an argument, because Orthanc's child processes would inherit LD_LIBRARY_PATH. */
export async function debianLaunch(installed: string, spec: OrthancSpec): Promise<Launch> {
  const root = await plainFolder(installed);
  const libraryFolder = join(root, 'usr', 'lib');
  const triplet = (await readdir(libraryFolder)).find((name) => name.endsWith('-linux-gnu'));
  const libraries = join(libraryFolder, triplet ?? '');
  const loader = (await readdir(libraries)).find((name) => /^ld-linux.*\.so\.\d+$/.test(name));
  if (!triplet || !loader) {
    throw createError('sandbox_unavailable', {
      why: `${installed} is incomplete; delete it and try again`,
    });
  }
  const storage = join(spec.folder, 'storage');
  await mkdir(storage, { recursive: true });
  const configuration = {
    StorageDirectory: storage,
    IndexDirectory: storage,
    LuaScripts: spec.luaScripts,
    ...(spec.pythonScript === undefined ? {} : { PythonScript: await plainFile(spec.pythonScript) }),
    Plugins: spec.plugins.map((name) => join(root, 'usr/share/orthanc/plugins', pluginFiles[name])),
    ...spec.configuration,
    HttpPort: spec.port,
    HttpBindAddresses: ['127.0.0.1'],
    RemoteAccessAllowed: false,
  };
  const file = join(spec.folder, 'orthanc.json');
  await writeFile(file, JSON.stringify(configuration, null, 2), ownerOnly);
  return {
    command: await plainProgram(join(installed, 'usr', 'lib', triplet, loader)),
    args: ['--library-path', `${libraries}:${libraryFolder}`, join(root, 'usr/sbin/Orthanc'), file],
    env: {
      // Nothing else of the environment: an http_proxy, for example, would redirect the hook's calls.
      PATH: process.env.PATH,
      DCMDICTPATH: join(root, 'usr/share/dcmtk/dicom.dic'),
      PYTHONHOME: join(root, 'usr'),
      // Else Python writes its bytecode beside the plugin, in this repository.
      PYTHONDONTWRITEBYTECODE: '1',
      ...spec.env,
    },
    signalOnOrphan: 'SIGKILL',
  };
}

const plainFile = async (file: string): Promise<string> =>
  join(await plainFolder(dirname(file)), basename(file));
