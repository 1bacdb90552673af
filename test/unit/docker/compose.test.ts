import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { orthancImage } from '../../../src/sandbox/docker.js';
import { compose, imageEnvironment, read, type Service, stepsOf } from './files.js';
import { useSecrets } from './secrets.js';

const secrets = useSecrets();
const orthanc = named('orthanc');
const plainviewServices = Object.entries(compose.services).filter(([name]) => name !== 'orthanc');

function named(name: string): Service {
  const service = compose.services[name];
  if (!service) throw new Error(`the compose file has no service ${name}`);
  return service;
}

const targetOf = (service: Service): string => service.build?.target ?? '';

test('starts the service on the CPU, or with the other profile on an NVIDIA GPU', () => {
  expect(read('.env')).toMatch(/^COMPOSE_PROFILES=cpu$/m);
  const byProfile = (profile: string) =>
    plainviewServices.filter(([, { profiles }]) => profiles.includes(profile)).map(([, service]) => service);
  expect(byProfile('cpu').map(targetOf)).toEqual(['cpu']);
  expect(byProfile('gpu').map(targetOf)).toEqual(['gpu']);
  expect(plainviewServices).toHaveLength(2);
  expect(byProfile('gpu')[0]?.deploy?.resources?.reservations.devices).toEqual([
    { driver: 'nvidia', capabilities: ['gpu'] },
  ]);
  expect(byProfile('cpu')[0]?.deploy).toBeUndefined();
  expect(orthanc.profiles).toEqual([]);
});

test('runs the Orthanc that the sandbox runs', () => {
  expect(orthanc.image).toBe(orthancImage);
});

test('checks the health of each service, and starts Plainview when Orthanc is healthy', () => {
  expect(orthanc.healthcheck).toBeDefined();
  for (const [, service] of plainviewServices) {
    expect(stepsOf(targetOf(service), 'HEALTHCHECK')).toHaveLength(1);
    expect(service.depends_on).toEqual({ orthanc: { condition: 'service_healthy' } });
  }
  for (const service of Object.values(compose.services)) expect(service.restart).toBe('unless-stopped');
});

test('only Orthanc can reach the service, and only this machine can reach Orthanc’s pages', () => {
  for (const [, service] of plainviewServices) {
    expect(service.ports).toEqual([]);
    for (const { name } of service.networks) {
      expect(compose.networks[name]?.internal).toBe(true);
      expect(orthanc.networks.map((network) => network.name)).toContain(name);
    }
  }
  expect(orthanc.ports.filter((port) => port.endsWith(':8042'))).toEqual(['127.0.0.1:8042:8042']);
});

test('Orthanc’s configuration names the mounted hook', () => {
  const { LuaScripts } = JSON.parse(read('orthanc/plainview.json')) as { LuaScripts: string[] };
  const hook = orthanc.volumes.find(({ source }) => source === './lua/plainview.lua');
  expect(LuaScripts).toEqual([hook?.target]);
});

test('Orthanc reads the file with its users as configuration', () => {
  expect(orthanc.secrets).toContainEqual({
    source: 'orthanc_users',
    target: expect.stringMatching(/\.json$/),
  });
});

test('Orthanc’s configuration names the mounted plugin, and its other files are in the same folder', () => {
  const { PythonScript } = JSON.parse(read('orthanc/plugin.json')) as { PythonScript: string };
  const places = new Map(orthanc.volumes.map(({ source, target }) => [source, target]));
  expect(places.get('./orthanc/explorer_plugin.py')).toBe(PythonScript);
  const imported = [...read('orthanc/explorer_plugin.py').matchAll(/^from (plainview_\w+) import/gm)].map(
    ([, name]) => `${name}.py`,
  );
  expect(imported).toHaveLength(2);
  for (const file of ['explorer.js', ...imported])
    expect(places.get(`./orthanc/${file}`)).toBe(`${dirname(PythonScript)}/${file}`);
  for (const file of ['plainview.json', 'plugin.json', 'explorer2.json'])
    expect(places.get(`./orthanc/${file}`)).toBe(`/etc/orthanc/${file}`);
  expect(orthanc.environment.PYTHON_PLUGIN_ENABLED).toBe('true');
});

test('no key is in two files of Orthanc’s configuration', () => {
  const keys = ['plainview.json', 'plugin.json', 'explorer2.json', 'gdcm.json'].flatMap((file) =>
    Object.keys(JSON.parse(read(`orthanc/${file}`))),
  );
  expect(new Set(keys).size).toBe(keys.length);
});

test('the users with a role in the plugin’s configuration exist in the secrets', () => {
  const { Plainview } = JSON.parse(read('orthanc/plugin.json')) as { Plainview: { Roles: object } };
  for (const name of Object.keys(Plainview.Roles)) expect(secrets.users()).toHaveProperty(name);
});

describe('the hook', () => {
  const lua = read('lua/plainview.lua');

  test('gets only variables that it reads', () => {
    const variables = [...lua.matchAll(/os\.getenv\('(\w+)'\)/g)].map(([, name]) => name);
    for (const name of Object.keys(orthanc.environment))
      if (name.startsWith('PLAINVIEW_')) expect(variables).toContain(name);
  });

  test('calls the service by its name, port and path', () => {
    const url = new URL(orthanc.environment.PLAINVIEW_HOOK_URL ?? '');
    const [, byDefault = ''] = /os\.getenv\('PLAINVIEW_HOOK_URL'\) or '([^']+)'/.exec(lua) ?? [];
    const { port } = loadConfig({});
    expect(url.pathname).toBe(new URL(byDefault).pathname);
    expect(new URL(byDefault).port).toBe(String(port));
    expect(url.port).toBe(String(port));
    // Both services have the same name, because only one of them runs.
    for (const [, service] of plainviewServices)
      expect(service.networks.flatMap(({ aliases }) => aliases)).toContain(url.hostname);
  });

  test('and the service have the same secret', () => {
    for (const [, service] of plainviewServices)
      expect(service.environment.PLAINVIEW_SECRET_FILE).toBe(orthanc.environment.PLAINVIEW_SECRET_FILE);
  });
});

describe.each(plainviewServices)('%s', (_name, service) => {
  test('starts with this environment, and uses a user of Orthanc', () => {
    const config = loadConfig({ ...imageEnvironment(targetOf(service)), ...secrets.mounted(service) });
    expect(new URL(config.orthancUrl[0]).hostname).toBe('orthanc');
    expect(config.orthancPassword).toBe(secrets.users()[config.orthancUsername ?? '']);
    expect(config.secret).toMatch(/^\w{32,}$/);
    expect(config.network).toBe('nncpr');
  });

  test('can write only its state and temporary files', () => {
    const { stateDir } = loadConfig(imageEnvironment(targetOf(service)));
    expect(service.read_only).toBe(true);
    expect(service.volumes.map(({ target }) => target)).toEqual([stateDir]);
    expect(service.tmpfs).toEqual(['/tmp']);
  });
});
