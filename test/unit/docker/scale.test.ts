import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { shipped } from '../../../src/files/places.js';
import { runCommand } from '../../../src/sandbox/command.js';
import { orthancImage } from '../../../src/sandbox/docker.js';
import { compose, composeScale, imageEnvironment, read, type Service, stepsOf } from './files.js';
import { useSecrets } from './secrets.js';

const secrets = useSecrets();
const { services, networks } = composeScale;

function named(name: string): Service {
  const service = services[name];
  if (!service) throw new Error(`the compose file has no service ${name}`);
  return service;
}

const plainview = named('plainview');
const postgresql = named('postgresql');
const balancer = named('balancer');
const orthancs = [named('orthanc-a'), named('orthanc-b')];
const networksOf = (service: Service) => service.networks.map(({ name }) => name);

test('two Orthancs as in docker-compose.yml share an index and files, under different names', () => {
  const section = (JSON.parse(read('deploy/orthanc-postgresql.json')) as { PostgreSQL: object }).PostgreSQL;
  expect(section).toMatchObject({
    EnableIndex: true,
    Lock: false,
    IndexConnectionsCount: 5,
    Host: 'postgresql',
  });
  expect(section).not.toHaveProperty('Password');
  const single = compose.services.orthanc;
  for (const orthanc of orthancs) {
    expect(orthanc.image).toBe(orthancImage);
    for (const volume of single?.volumes ?? []) expect(orthanc.volumes).toContainEqual(volume);
    expect(orthanc.volumes).toContainEqual({
      source: './deploy/orthanc-postgresql.json',
      target: '/etc/orthanc/postgresql.json',
      mode: 'ro',
    });
    expect(orthanc.secrets).toContainEqual({
      source: 'orthanc_database_password',
      target: 'ORTHANC__POSTGRESQL__PASSWORD',
    });
    expect(orthanc.environment.POSTGRESQL_PLUGIN_ENABLED).toBe('true');
  }
  for (const name of ['ORTHANC__NAME', 'ORTHANC__DATABASE_SERVER_IDENTIFIER'])
    expect(new Set(orthancs.map(({ environment }) => environment[name])).size).toBe(2);
});

test('no key is in two files of Orthanc’s configuration', () => {
  const files = orthancs[0]?.volumes
    .filter(({ target }) => dirname(target) === '/etc/orthanc' && target.endsWith('.json'))
    .map(({ source }) => source);
  const keys = files?.flatMap((file) => Object.keys(JSON.parse(read(file))));
  expect(files).toHaveLength(5);
  expect(new Set(keys).size).toBe(keys?.length);
});

test('two services start with this environment, and share a database', () => {
  expect(plainview.deploy?.replicas).toBe(2);
  const config = loadConfig({
    ...imageEnvironment('cpu'),
    ...secrets.mounted(plainview, composeScale),
  });
  expect(config.orthancUrl.map((url) => new URL(url).hostname)).toEqual(['orthanc-a', 'orthanc-b']);
  expect(config.orthancPassword).toBe(secrets.users()[config.orthancUsername ?? '']);
  expect(config.secret).toMatch(/^\w{32,}$/);
  const database = new URL(config.databaseUrl ?? '');
  expect(database.hostname).toBe('postgresql');
  expect(database.pathname).toBe('/plainview');
});

test('a service can write only its temporary files and the volume of its image', () => {
  expect(plainview.read_only).toBe(true);
  expect(plainview.volumes).toEqual([]);
  expect(plainview.tmpfs).toEqual(['/tmp']);
  const { stateDir } = loadConfig(imageEnvironment('cpu'));
  expect(stepsOf('cpu', 'VOLUME')).toEqual([stateDir]);
});

test('only the balancer is published, and only the networks of people and modalities lead out', () => {
  for (const [name, { ports }] of Object.entries(services))
    if (name !== 'balancer') expect(ports).toEqual([]);
  expect(balancer.ports).toEqual(['127.0.0.1:8042:8042', '4242:4242']);
  for (const service of [plainview, postgresql])
    for (const name of networksOf(service)) expect(networks[name]?.internal).toBe(true);
  for (const service of [plainview, ...orthancs])
    for (const other of [postgresql, balancer])
      expect(networksOf(service).filter((name) => networksOf(other).includes(name))).not.toEqual([]);
});

test('checks the health of each, and starts a service when what it needs is healthy', () => {
  for (const [name, { healthcheck, restart }] of Object.entries(services)) {
    expect(restart).toBe('unless-stopped');
    if (name !== 'plainview') expect([name, healthcheck]).not.toEqual([name, undefined]);
  }
  expect(stepsOf('cpu', 'HEALTHCHECK')).toHaveLength(1);
  expect(plainview.depends_on).toEqual({
    postgresql: { condition: 'service_healthy' },
    'orthanc-a': { condition: 'service_healthy' },
    'orthanc-b': { condition: 'service_healthy' },
  });
});

test('PostgreSQL gets a password for each user that the first start makes', () => {
  const script = read('deploy/postgresql.sh');
  const [, names = ''] = /^for name in (.*); do$/m.exec(script) ?? [];
  expect(names.split(' ')).toEqual(['orthanc', 'plainview']);
  for (const name of names.split(' '))
    expect(postgresql.secrets.map(({ target }) => target)).toContain(`${name}_database_password`);
  expect(postgresql.volumes).toContainEqual({
    source: './deploy/postgresql.sh',
    target: expect.stringMatching(/^\/docker-entrypoint-initdb\.d\/.*\.sh$/),
    mode: 'ro',
  });
});

describe('the balancer', () => {
  const configuration = read('deploy/haproxy.cfg');
  const sections = Object.fromEntries(
    [...configuration.matchAll(/^listen (\S+)\n((?: .*\n)+)/gm)].map(([, name = '', body = '']) => [
      name,
      body,
    ]),
  );

  test('leads the hook to each service that is ready', () => {
    const { port } = loadConfig({});
    for (const { environment } of orthancs)
      expect(environment.PLAINVIEW_HOOK_URL).toBe(`http://balancer:${port}/hook`);
    expect(sections.plainview).toContain(`bind :${port}\n`);
    expect(sections.plainview).toContain('option httpchk GET /health/ready\n');
    expect(sections.plainview).toMatch(new RegExp(`server-template plainview- \\d+ plainview:${port}\\n`));
  });

  test('leads people and modalities to the second Orthanc only while the first does not answer', () => {
    const servers = (name: string) =>
      [...(sections[name] ?? '').matchAll(/^ +server \S+ (\S+)(.*)$/gm)].map(([, to, rest]) => [
        to,
        rest?.trim(),
      ]);
    expect(servers('orthanc-pages')).toEqual([
      ['orthanc-a:8042', ''],
      ['orthanc-b:8042', 'backup'],
    ]);
    expect(servers('orthanc-dicom')).toEqual([
      ['orthanc-a:4242', 'port 8042'],
      ['orthanc-b:4242', 'port 8042 backup'],
    ]);
    for (const port of balancer.ports.map((published) => published.split(':').at(-1)))
      expect(configuration).toContain(`bind :${port}\n`);
  });

  test('has a configuration that HAProxy accepts', async (context) => {
    const { status, stderr, stdout } = await runCommand('haproxy', [
      '-c',
      '-f',
      shipped('deploy', 'haproxy.cfg'),
    ]);
    if (status === null) return context.skip('no HAProxy on this machine');
    expect([status, stderr, stdout]).toEqual([0, expect.not.stringContaining('WARNING'), expect.anything()]);
  });
});
