import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { secretOptions, variableOf } from '../config/options.js';
import { createError } from '../errors/errors.js';
import { fileProblem } from '../files/file-problem.js';
import { shipped } from '../files/places.js';
import { OrthancConfiguration } from './orthanc-configuration.js';

/** A file that setup would write. */
export interface Change {
  path: string;
  content: string;
  /** Where it is there already. */
  before?: string;
  /** Of a new file. */
  mode: number;
  /** The user whose group may read a new file; undefined: the caller's own. */
  reader?: string;
  why: string;
  /** Its content is not shown. */
  isSecret?: boolean;
}

export interface Wishes {
  /** PLAINVIEW_… variables of the caller: they go into the environment file. */
  env: NodeJS.ProcessEnv;
  orthancUrl: string;
  /** Plainview's folder: environment file and secrets. */
  folder: string;
  stateDir: string;
  /** User of the service. */
  user: string;
  orthancUser: string;
  /** Orthanc's configuration on this machine: a file or a folder. */
  orthancConfiguration?: string;
  /** Folder of systemd's units, where Orthanc is one of them. */
  systemd?: string;
}

export interface Plan {
  changes: Change[];
  /** Passwords and keys that lines of the changes can have, those of others included. They are not shown. */
  secrets: string[];
  /** What Orthanc needs, where its configuration is not on this machine. */
  linesForOrthanc?: string;
}

/** What is to be written so that Plainview works with an Orthanc that there is. Writes nothing. @throws orthanc_configuration, usage */
export function planSetup(wishes: Wishes): Plan {
  const { folder, user, orthancUser, orthancConfiguration: place, env } = wishes;
  const secretFile = env.PLAINVIEW_SECRET_FILE || join(folder, 'secret');
  const secret = known(secretFile)?.trim() || randomBytes(24).toString('hex');
  const passwordFile = join(folder, 'orthanc-password');
  const changes: Change[] = [
    {
      path: secretFile,
      content: `${secret}\n`,
      mode: 0o640,
      reader: user,
      why: 'the secret that Plainview shares with Orthanc',
      isSecret: true,
    },
  ];
  const given: Record<string, string> = {};
  let password = known(passwordFile)?.trim();
  const secrets: string[] = [];
  if (place !== undefined) {
    const configuration = new OrthancConfiguration(place);
    secrets.push(...configuration.passwords);
    const besideOrthanc = statSync(place).isDirectory() ? place : dirname(place);
    const hook = join(besideOrthanc, 'plainview.lua');
    const isUserNeeded = configuration.needsLogin && !env.PLAINVIEW_ORTHANC_USERNAME;
    if (isUserNeeded) {
      password ??= randomBytes(24).toString('hex');
      changes.push({
        path: passwordFile,
        content: `${password}\n`,
        mode: 0o640,
        reader: user,
        why: 'the password of the user plainview in Orthanc',
        isSecret: true,
      });
      given.PLAINVIEW_ORTHANC_USERNAME = 'plainview';
      given.PLAINVIEW_ORTHANC_PASSWORD_FILE = passwordFile;
    }
    changes.push({
      path: hook,
      content: readFileSync(shipped('lua', 'plainview.lua'), 'utf8'),
      mode: 0o644,
      why: 'the hook, which reports new instances',
    });
    const login = isUserNeeded && password !== undefined ? { name: 'plainview', password } : undefined;
    for (const [path, content] of configuration.with(hook, login))
      changes.push({
        path,
        content,
        mode: 0o640,
        reader: orthancUser,
        why: "lines of Orthanc's configuration",
      });
    changes.push(...forOrthanc(besideOrthanc, secret, wishes));
  }
  changes.push(environment(wishes, { PLAINVIEW_SECRET_FILE: secretFile, ...given }));
  return {
    changes: changes.flatMap((change) => whereDifferent(change)),
    secrets: [...secrets, secret, ...(password === undefined ? [] : [password])],
    ...(place === undefined
      ? { linesForOrthanc: readFileSync(shipped('orthanc', 'plainview.json'), 'utf8') }
      : {}),
  };
}

/** The secret for Orthanc, and its environment. */
function forOrthanc(besideOrthanc: string, secret: string, { systemd, orthancUser, env }: Wishes): Change[] {
  const file = join(besideOrthanc, 'plainview-secret');
  const { PLAINVIEW_HOST: host = '127.0.0.1', PLAINVIEW_PORT: port = '8104' } = env;
  const hookUrl = `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}/hook`;
  const lines = [
    `Environment=PLAINVIEW_SECRET_FILE=${file}`,
    ...(env.PLAINVIEW_HOST || env.PLAINVIEW_PORT ? [`Environment=PLAINVIEW_HOOK_URL=${hookUrl}`] : []),
  ];
  return [
    {
      path: file,
      content: `${secret}\n`,
      mode: 0o640,
      reader: orthancUser,
      why: 'the same secret, for the hook',
      isSecret: true,
    },
    ...(systemd === undefined
      ? []
      : [
          {
            path: join(systemd, 'orthanc.service.d', 'plainview.conf'),
            content: `[Service]\n${lines.join('\n')}\n`,
            mode: 0o644,
            why: 'where the hook finds the secret',
          },
        ]),
  ];
}

/** Values that both systemd and a shell read as they are. */
const plain = /^[\w@%+=:,./-]+$/;

function environment(
  { env, orthancUrl, folder, stateDir, user }: Wishes,
  given: Record<string, string>,
): Change {
  const inline = secretOptions.map(variableOf).filter((name) => env[name]);
  if (inline.length > 0)
    throw createError('usage', {
      problem: `set ${inline.map((name) => `${name}_FILE`).join(', ')} instead of ${inline.join(', ')}, so that no secret is in the environment file`,
    });
  const variables = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => name.startsWith('PLAINVIEW_') && value),
  );
  const all = { PLAINVIEW_ORTHANC_URL: orthancUrl, PLAINVIEW_STATE_DIR: stateDir, ...variables, ...given };
  const lines = Object.entries(all).map(([name, value = '']) => {
    if (/['\n]/.test(value))
      throw createError('usage', { problem: `${name} must hold no quote and no line break` });
    return `${name}=${plain.test(value) ? value : `'${value}'`}`;
  });
  const path = join(folder, 'env');
  // What somebody has written there stays: only what is missing is added.
  const before = known(path);
  const missing = lines.filter((line) => !new RegExp(`^${line.split('=')[0]}=`, 'm').test(before ?? ''));
  const start =
    before === undefined || before === '' || before.endsWith('\n') ? (before ?? '') : `${before}\n`;
  return {
    path,
    content: missing.length === 0 ? (before ?? '') : `${start}${missing.join('\n')}\n`,
    mode: 0o640,
    reader: user,
    why: 'the environment of the service',
  };
}

function whereDifferent(change: Change): Change[] {
  const before = known(change.path);
  if (before === undefined) return [change];
  return before === change.content ? [] : [{ ...change, before }];
}

/** @returns undefined where it is not there @throws file_unreadable */
function known(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw createError('file_unreadable', { problem: fileProblem(path, error) }, error);
  }
}
