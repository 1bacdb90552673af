import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createError } from '../errors/errors.js';
import { temporaryFolder } from '../files/temporary.js';
import { hasEnded, startChild } from './child.js';
import { lastLines, runCommand } from './command.js';
import { sandboxConfiguration } from './configuration.js';
import { type DebianSuite, debianLaunch, provideDebianOrthanc } from './debian.js';
import { dockerAnswers, dockerLaunch, provideDockerOrthanc } from './docker.js';
import type { Launch, OrthancSpec, SandboxPlugin } from './launch.js';
import { explorerPlugin, hookScript, makeSandboxFolder } from './places.js';
import { freePort, isFree } from './ports.js';

export interface SandboxOptions {
  /** Folder for storage, index and log. Without it, a temporary folder that `discard` deletes. */
  folder?: string;
  /** Port on 127.0.0.1. Without it, a free one. */
  port?: number;
  /** Port on 127.0.0.1 on which it takes C-STORE. Needs `explorer`, whose plugin closes it to other machines. Without it, none. */
  dicomPort?: number;
  /** Environment variables of Orthanc, and so of the hook. */
  env?: Record<string, string>;
  /** Overrides the sandbox's configuration. Objects are merged key by key; other values replace. */
  configuration?: Record<string, unknown>;
  /** A site's own Lua scripts, loaded before and after the hook. */
  scripts?: { before?: string[]; after?: string[] };
  /** The service that the hook notifies. Without it, the hook is not installed. */
  hook?: { url: string; secret: string } | false;
  plugins?: SandboxPlugin[];
  /** Whether Orthanc runs Plainview's plugin for its pages. The plugin calls the service that `hook` names. */
  explorer?: boolean;
  /** How to run it. By default Docker, if it answers, else Debian's packages. */
  runtime?: 'docker' | 'debian';
  /** With Debian's packages, the suite that they come from, and so the version of Orthanc. Default: forky, 1.13.0. */
  suite?: DebianSuite;
  /** Called with a line of text before something that takes long, such as a download. */
  onProgress?: (line: string) => void;
}

export interface SandboxOrthanc {
  readonly url: string;
  readonly folder: string;
  /** Of the current process. */
  readonly pid: number;
  log(): Promise<string>;
  /** Stops Orthanc and waits until it has ended (some seconds). Stored data stays. */
  stop(): Promise<void>;
  /** Kills it, as a power failure would. Stored data stays. */
  kill(): Promise<void>;
  /** Stops it if it runs, and starts it again on the same port and folder. */
  restart(): Promise<void>;
  /** Stops it for good. Deletes stored data, unless the caller gave the folder. */
  discard(): Promise<void>;
}

/** Debian's build needs 5 s for the first start with Python. Docker on a busy machine needs more. */
const startTimeoutMs = 60_000;
const stopTimeoutMs = 20_000;

export async function startOrthanc(options: SandboxOptions = {}): Promise<SandboxOrthanc> {
  const port = options.port ?? (await freePort());
  // Else the answers of the program that uses the port would be taken for Orthanc's.
  if (!(await isFree(port))) throw createError('sandbox_port_taken', { port });
  const folder = options.folder ? resolve(options.folder) : await temporaryFolder('plainview-orthanc-');
  makeSandboxFolder(folder);
  const logFile = join(folder, 'orthanc.log');
  const url = `http://127.0.0.1:${port}`;
  const hook = options.hook || undefined;
  const { dicomPort } = options;
  const spec: OrthancSpec = {
    folder,
    port,
    ...(dicomPort === undefined ? {} : { dicomPort }),
    configuration: await sandboxConfiguration(
      {
        ...(dicomPort === undefined ? {} : { DicomServerEnabled: true, DicomPort: dicomPort }),
        ...options.configuration,
      },
      options.plugins,
    ),
    luaScripts: [
      ...(options.scripts?.before ?? []),
      ...(hook ? [hookScript] : []),
      ...(options.scripts?.after ?? []),
    ].map((script) => resolve(script)),
    plugins: [
      ...new Set<SandboxPlugin>([
        ...(options.plugins ?? []),
        ...(options.explorer ? (['python'] as const) : []),
      ]),
    ],
    ...(options.explorer ? { pythonScript: explorerPlugin } : {}),
    env: {
      ...(hook ? { PLAINVIEW_HOOK_URL: hook.url, PLAINVIEW_SECRET: hook.secret } : {}),
      ...options.env,
    },
  };
  const launch = await chooseLaunch(spec, options);

  let child: ChildProcess | undefined;
  const start = async () => {
    child = await run(launch, logFile);
    await waitUntilReady(child, url, logFile);
  };
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    if (!child || hasEnded(child)) return;
    const ended = once(child, 'exit');
    if (signal === 'SIGKILL' && launch.killCommand) await runCommand(...launch.killCommand);
    child.kill(signal);
    const killTimer = setTimeout(() => child?.kill('SIGKILL'), stopTimeoutMs);
    await ended;
    clearTimeout(killTimer);
  };
  const deleteTemporary = () => {
    if (!options.folder && existsSync(folder)) rmSync(folder, { recursive: true, force: true });
  };
  // Runs whenever this process ends, except by SIGKILL. For that case there is `signalOnOrphan`.
  const atExit = () => {
    child?.kill(launch.signalOnOrphan);
    deleteTemporary();
  };
  process.once('exit', atExit);

  const orthanc: SandboxOrthanc = {
    url,
    folder,
    get pid() {
      return child?.pid ?? -1;
    },
    log: () => readFile(logFile, 'utf8'),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGTERM');
      await start();
    },
    discard: async () => {
      // The data of a temporary folder is deleted anyway, so a clean stop is not needed.
      await end(options.folder ? 'SIGTERM' : 'SIGKILL');
      process.off('exit', atExit);
      if (options.folder) return;
      if (launch.removeCommand) await runCommand(...launch.removeCommand);
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await start();
  } catch (error) {
    await end('SIGKILL');
    // The folder stays, because the error names the log in it.
    process.off('exit', atExit);
    throw error;
  }
  return orthanc;
}

async function chooseLaunch(
  spec: OrthancSpec,
  { runtime, suite, onProgress }: SandboxOptions,
): Promise<Launch> {
  // A suite is named for its version of Orthanc, which an image need not have.
  if (runtime === 'docker' || (!runtime && suite === undefined && (await dockerAnswers()))) {
    await provideDockerOrthanc(onProgress);
    return dockerLaunch(spec);
  }
  return debianLaunch(await provideDebianOrthanc(onProgress, suite), spec);
}

async function run(launch: Launch, logFile: string): Promise<ChildProcess> {
  try {
    return await startChild(launch, logFile);
  } catch (cause) {
    throw createError(
      'sandbox_not_started',
      { program: 'Orthanc', why: (cause as Error).message, log: logFile },
      cause,
    );
  }
}

/** Orthanc opens its index before it listens. So an answer with any status means that it can store. */
async function waitUntilReady(child: ChildProcess, url: string, logFile: string): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  while (Date.now() < deadline) {
    if (hasEnded(child)) {
      const log = await readFile(logFile, 'utf8');
      // Orthanc begins the line of an error with E, and logs more lines after it while it ends.
      const why = log.match(/^E.*$/gm)?.at(-1) ?? lastLines(log, 2);
      throw createError('sandbox_not_started', { program: 'Orthanc', why, log: logFile });
    }
    const answer = await fetch(`${url}/system`, { signal: AbortSignal.timeout(2_000) }).catch(
      () => undefined,
    );
    await answer?.arrayBuffer();
    if (answer) return;
    await delay(50);
  }
  throw createError('sandbox_not_started', {
    program: 'Orthanc',
    why: `no answer within ${startTimeoutMs / 1000} s`,
    log: logFile,
  });
}
