import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createError } from '../errors/errors.js';
import { lastLines, runCommand } from './command.js';
import type { Launch, OrthancSpec, SandboxPlugin } from './launch.js';
import { makeSandboxFolder, sandboxFolder } from './places.js';
import { plainFolder, plainProgram } from './plain-path.js';

/*
 * Orthanc from Debian's packages, unpacked into a private folder: no root, nothing installed, the host untouched.
 * Debian 12's own Orthanc is 1.10 and knows no labels, so the packages come from Debian 13 whatever the host is,
 * and run on that release's own C library.
 */
const suite = 'trixie';
const packages = ['orthanc', 'orthanc-python', 'orthanc-dicomweb', 'orthanc-gdcm', 'orthanc-postgresql'];

/** Dependencies of installing a system, not of running Orthanc; declared as present so that apt leaves them out. */
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

/** Names what is unpacked: another suite or set of packages gets a folder of its own. */
const layout = `debian-${suite}-2`;

const keyrings = ['gpg', 'pgp'].map((kind) => `/usr/share/keyrings/debian-archive-keyring.${kind}`);

const pluginFiles: Record<SandboxPlugin, string> = {
  dicomweb: 'libOrthancDicomWeb.so',
  gdcm: 'libOrthancGdcm.so',
  postgresql: 'libOrthancPostgreSQLIndex.so',
  python: 'libOrthancPython.so',
};

/** Unpacks Orthanc unless that is done already, and hands back the folder that stands for `/`. */
export async function provideDebianOrthanc(say: (line: string) => void = () => {}): Promise<string> {
  const root = join(sandboxFolder(), layout);
  if (existsSync(root)) return root;
  makeSandboxFolder(dirname(root));
  const mirror = await findMirror();
  say(`Fetching Orthanc from ${mirror} (about 50 MB, once) …`);
  const work = await mkdtemp(`${root}.`);
  try {
    await download(await plainFolder(work), mirror);
    const unpacked = join(work, 'root');
    for (const file of await readdir(join(work, 'archives'))) {
      if (file.endsWith('.deb')) await must('dpkg-deb', ['-x', join(work, 'archives', file), unpacked]);
    }
    // Two at once do the same work; whoever renames first wins. No lock to go stale, and never half a folder.
    await rename(unpacked, root).catch((cause: unknown) => {
      if (!existsSync(root)) throw cause;
    });
    return root;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The mirror that the host's own apt uses, so that a site's proxy or mirror serves here too. */
async function findMirror(): Promise<string> {
  if (process.env.PLAINVIEW_DEBIAN_MIRROR) return process.env.PLAINVIEW_DEBIAN_MIRROR;
  const uris = await must('apt-get', ['update', '--print-uris']);
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const codename = /^VERSION_CODENAME="?([\w-]+)/m.exec(release)?.[1];
  const isDebian = /^ID="?debian"?$/m.test(release);
  const suites = new Set([codename, suite, 'stable', 'testing', 'unstable', 'sid']);
  for (const [, mirror, dist] of uris.matchAll(/^'(\S+)\/dists\/([^/\s]+)\/InRelease'/gm)) {
    if (isDebian && mirror && suites.has(dist)) return mirror;
  }
  throw createError('sandbox_unavailable', {
    why: "this host's apt knows no mirror of Debian (PLAINVIEW_DEBIAN_MIRROR can name one)",
  });
}

async function download(work: string, mirror: string): Promise<void> {
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
  // Read after the host's own configuration: its proxies and credentials stay, its hooks must not run.
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
  const apt = (...args: string[]) => must('apt-get', ['-q', '-c', join(work, 'apt.conf'), ...args]);
  await apt('update', '--error-on=any');
  await apt('install', '--yes', '--download-only', ...packages);
}

async function must(command: string, args: string[]): Promise<string> {
  const result = await runCommand(command, args);
  if (result.status === 0) return result.stdout;
  throw createError('sandbox_unavailable', { why: `${command} failed: ${lastLines(result.stderr)}` });
}

/** The libraries are named to the dynamic loader and not in LD_LIBRARY_PATH, which Orthanc's children would inherit. */
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
    RemoteAccessAllowed: false,
  };
  const file = join(spec.folder, 'orthanc.json');
  await writeFile(file, JSON.stringify(configuration, null, 2), { mode: 0o600 });
  return {
    command: await plainProgram(join(installed, 'usr', 'lib', triplet, loader)),
    args: ['--library-path', `${libraries}:${libraryFolder}`, join(root, 'usr/sbin/Orthanc'), file],
    env: {
      // The rest of the environment stays out: an http_proxy, say, would swallow the hook's calls.
      PATH: process.env.PATH,
      DCMDICTPATH: join(root, 'usr/share/dcmtk/dicom.dic'),
      PYTHONHOME: join(root, 'usr'),
      // Python would put its own beside the plugin, in this repository.
      PYTHONDONTWRITEBYTECODE: '1',
      ...spec.env,
    },
    signalOnOrphan: 'SIGKILL',
  };
}

const plainFile = async (file: string): Promise<string> =>
  join(await plainFolder(dirname(file)), basename(file));
