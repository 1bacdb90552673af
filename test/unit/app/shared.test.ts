import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startService } from '../../../src/app/service.js';
import type { Service, State } from '../../../src/app/service-interface.js';
import { startShared } from '../../../src/app/shared.js';
import { DecidingClassifier } from '../../../src/classify/deciding.js';
import { loadConfig } from '../../../src/config/load.js';
import { createError } from '../../../src/errors/errors.js';
import { HttpServer } from '../../../src/http/server.js';
import { stubClassifier } from '../../../testkit/classifier.js';
import { TestArchive } from '../../../testkit/members.js';
import { type Postgresql, startPostgresql } from '../../../testkit/postgresql.js';
import { freshState } from '../../../testkit/service.js';
import { waitFor } from '../../../testkit/wait-for.js';

const deciding = () => new DecidingClassifier(stubClassifier());
const server = await startPostgresql();
if (server === undefined)
  console.warn('PostgreSQL is not installed: the tests of a process that shares an archive are skipped.');

describe.skipIf(server === undefined)('a process that shares an archive', () => {
  afterAll(() => server?.stop());

  let lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  let archive: TestArchive;
  let stateDir = '';
  beforeEach(async () => {
    archive = await TestArchive.create(server as Postgresql);
    lines = [];
    stateDir = await freshState('http://127.0.0.1:1');
  });
  afterEach(async () => {
    await archive.close();
    await rm(stateDir, { recursive: true, force: true });
  });
  const configOf = (env: Record<string, string> = {}) => ({
    ...loadConfig({
      PLAINVIEW_DATABASE_URL: archive.address,
      PLAINVIEW_SECRET: 'of tests alone, 123',
      PLAINVIEW_PORT: '0',
      PLAINVIEW_STATE_DIR: stateDir,
      PLAINVIEW_ORTHANC_URL: 'http://127.0.0.1:1',
      ...env,
    }),
    databaseUrl: archive.address,
  });
  const start = (
    startWork: (state: State) => Promise<Service>,
    mayLead = true,
    env: Record<string, string> = {},
  ) => {
    const config = configOf(env);
    const http = new HttpServer((_, response) => void response.end(), config);
    return startShared(config, { server: http, mayLead, settings: {}, log }, startWork);
  };
  const members = async () =>
    (
      await (
        await archive.open()
      ).query<{ who: string; url: string }>('SELECT who, url FROM plainview.members')
    ).rows;
  /** What `startWork` gives where nothing happens. */
  const idle = (parts: Partial<Service> = {}): Service => ({
    url: 'http://127.0.0.1:1',
    ready: Promise.resolve(),
    lost: new Promise(() => undefined),
    longestRun: () => 0,
    stop: async () => undefined,
    ...parts,
  });

  test('that is stopped in the moment in which it joins stops its work, and leaves', async () => {
    let begin = (_: Service) => {};
    let isStarting = false;
    const events: string[] = [];
    const process = await start(() => {
      isStarting = true;
      return new Promise((resolve) => {
        begin = resolve;
      });
    });
    await waitFor(() => isStarting);
    expect(await members()).toHaveLength(1);
    const stopped = process.stop().then(() => events.push('stopped'));
    let settle = () => {};
    begin(
      idle({
        // Orthanc does not answer.
        ready: new Promise<void>((resolve) => {
          settle = resolve;
        }),
        stop: async () => {
          events.push('work stopped');
          settle();
        },
      }),
    );
    await stopped;
    await process.ready;
    expect(events).toEqual(['work stopped', 'stopped']);
    expect(await members()).toEqual([]);
  });

  test.each([
    ['could lead, and listens on this machine alone', true, {}, true],
    ['could lead, and listens on [::1]', true, { PLAINVIEW_HOST: '::1' }, true],
    ['listens for others', true, { PLAINVIEW_HOST: '0.0.0.0' }, false],
    [
      'has an address of its own, at which a proxy may listen',
      true,
      { PLAINVIEW_ADDRESS: 'http://a' },
      false,
    ],
    ['never leads, so that nobody calls it', false, {}, false],
  ])('that %s: warns that others cannot reach it: %s, %o → %s', async (_, mayLead, env, warns) => {
    const process = await start(async () => idle(), mayLead, env);
    await process.ready;
    await process.stop();
    const warnings = lines.filter((line) => line.includes('"level":40'));
    expect(warnings).toEqual(warns ? [expect.stringMatching(/others cannot reach .*PLAINVIEW_HOST/)] : []);
  });

  test('whose work cannot start says why, and leaves', async () => {
    const process = await start(() =>
      Promise.reject(createError('rules_invalid', { file: 'rules.yaml', problems: ['wrong'] })),
    );
    await expect(process.ready).rejects.toMatchObject({ code: 'rules_invalid' });
    await process.stop();
    expect(await members()).toEqual([]);
  });

  test('that was ended by another one says so; one that stops does not', async () => {
    const [one, two] = await Promise.all([start(async () => idle()), start(async () => idle())]);
    await Promise.all([one.ready, two.ready]);
    const lost: string[] = [];
    void one.lost.then(({ code }) => lost.push(`one: ${code}`));
    void two.lost.then(({ code }) => lost.push(`two: ${code}`));
    await two.stop();
    await (await archive.open()).query('DELETE FROM plainview.members');
    expect(await one.lost).toMatchObject({ code: 'lease_lost' });
    await one.stop();
    expect(lost).toEqual(['one: lease_lost']);
  });

  test('tells others where it is, and in its log whether it leads', async () => {
    const one = await start(async () => idle());
    await one.ready;
    await waitFor(() => lines.some((line) => line.includes('this process leads now')));
    const two = await start(async () => idle());
    await two.ready;
    await waitFor(() => lines.some((line) => line.includes('another process leads')));
    const ports = (await members()).map(({ url }) => new URL(url).port);
    expect(ports.toSorted()).toEqual([one.url, two.url].map((url) => new URL(url).port).toSorted());
    await one.stop();
    await waitFor(() => lines.filter((line) => line.includes('this process leads now')).length === 2);
    await two.stop();
  });

  test.each([
    ['PLAINVIEW_RULES_FILE', 'rules_invalid'],
    ['PLAINVIEW_TOKENS_FILE', 'config_invalid'],
    ['PLAINVIEW_HANGING_FILE', 'config_invalid'],
    ['PLAINVIEW_ORDER_WORDS', 'config_invalid'],
    ['PLAINVIEW_VIEWS_FILE', 'config_invalid'],
  ])('with a mistake in %s does not start', async (variable, code) => {
    const file = join(stateDir, 'wrong');
    await writeFile(file, 'wrong: [');
    const starting = startService(configOf({ [variable]: file }), deciding(), { log });
    await expect(starting.then((service) => service.stop())).rejects.toMatchObject({ code });
  });

  test('needs a state folder of its own, for what stays on each machine', async () => {
    const first = await startService(configOf(), deciding(), { log });
    const second = startService(configOf(), deciding(), { log });
    await expect(second.then((service) => service.stop())).rejects.toMatchObject({ code: 'state_in_use' });
    await first.stop();
    await startService(configOf(), deciding(), { log }).then((service) => service.stop());
  });
});
