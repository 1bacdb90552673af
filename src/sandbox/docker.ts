import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createError } from '../errors/errors.js';
import { lastLines, runCommand } from './command.js';
import type { Launch, OrthancSpec, SandboxPlugin } from './launch.js';

export const orthancImage = 'orthancteam/orthanc:26.8.0';

const pluginVariables: Record<SandboxPlugin, string> = {
  dicomweb: 'DICOM_WEB_PLUGIN_ENABLED',
  gdcm: 'GDCM_PLUGIN_ENABLED',
  postgresql: 'POSTGRESQL_PLUGIN_ENABLED',
  python: 'PYTHON_PLUGIN_ENABLED',
};

export const dockerAnswers = async (): Promise<boolean> =>
  (await runCommand('docker', ['info', '--format', '{{.ServerVersion}}'])).status === 0;

export async function provideDockerOrthanc(onProgress: (line: string) => void = () => {}): Promise<void> {
  if ((await runCommand('docker', ['image', 'inspect', orthancImage])).status === 0) return;
  onProgress(`Fetching ${orthancImage} (once) …`);
  const pull = await runCommand('docker', ['pull', '--quiet', orthancImage]);
  if (pull.status !== 0) {
    throw createError('sandbox_unavailable', { why: `docker pull failed: ${lastLines(pull.stderr)}` });
  }
}

/**
 * Runs the container in the foreground. So the docker client passes signals to Orthanc, and ends when Orthanc ends.
 * The image starts as root. So the storage is a Docker volume, because root's files in the folder could not be deleted.
 */
export async function dockerLaunch(spec: OrthancSpec, platform = process.platform): Promise<Launch> {
  const name = `plainview-${createHash('sha256').update(spec.folder).digest('hex').slice(0, 12)}`;
  const containerPath = (script: string, index: number) => `/etc/orthanc/lua/${index}-${basename(script)}`;
  const python = spec.pythonScript;
  const containerPythonFolder = '/etc/orthanc-python';
  // On Linux the container shares the host's loopback. Elsewhere its port is published on the loopback, and the
  // container reaches the host by another name.
  const onHost = platform === 'linux';
  const network = onHost
    ? ['--network', 'host']
    : [spec.port, spec.dicomPort].flatMap((port) =>
        port === undefined ? [] : ['--publish', `127.0.0.1:${port}:${port}`],
      );
  const fromContainer = (value: string) =>
    onHost
      ? value
      : value.replace(/^(https?:\/\/)(127\.0\.0\.1|localhost)(?=[:/]|$)/, '$1host.docker.internal');
  const configuration = {
    LuaScripts: spec.luaScripts.map(containerPath),
    ...(python === undefined ? {} : { PythonScript: `${containerPythonFolder}/${basename(python)}` }),
    ...spec.configuration,
    HttpPort: spec.port,
    ...(onHost ? { HttpBindAddresses: ['127.0.0.1'] } : {}),
    RemoteAccessAllowed: !onHost,
  };
  const file = join(spec.folder, 'orthanc.json');
  await writeFile(file, JSON.stringify(configuration, null, 2));
  const env = Object.entries(spec.env).map(([key, value]): [string, string] => [key, fromContainer(value)]);
  return {
    command: 'docker',
    args: [
      ...['run', '--rm', '--name', name, ...network],
      ...['--volume', `${name}:/var/lib/orthanc/db`],
      ...['--volume', `${file}:/etc/orthanc/orthanc.json:ro`],
      ...spec.luaScripts.flatMap((script, index) => [
        '--volume',
        `${script}:${containerPath(script, index)}:ro`,
      ]),
      ...(python === undefined ? [] : ['--volume', `${dirname(python)}:${containerPythonFolder}:ro`]),
      ...(Object.keys(pluginVariables) as SandboxPlugin[]).flatMap((plugin) => [
        '--env',
        `${pluginVariables[plugin]}=${spec.plugins.includes(plugin)}`,
      ]),
      // Names only: a secret in an argument would be visible in the process list. The client reads the values from its
      // environment.
      ...env.flatMap(([key]) => ['--env', key]),
      orthancImage,
    ],
    env: { ...process.env, ...Object.fromEntries(env) },
    signalOnOrphan: 'SIGTERM',
    killCommand: ['docker', ['kill', name]],
    removeCommand: ['docker', ['volume', 'rm', '--force', name]],
  };
}
