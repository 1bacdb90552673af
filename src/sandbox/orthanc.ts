import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createError } from '../errors/errors.js';
import { temporaryFolder } from '../files/temporary.js';
import { lastLines, runCommand } from './command.js';
import { sandboxConfiguration } from './configuration.js';
import { debianLaunch, provideDebianOrthanc } from './debian.js';
import { dockerAnswers, dockerLaunch, provideDockerOrthanc } from './docker.js';
import type { Launch, OrthancSpec, SandboxPlugin } from './launch.js';
import { explorerPlugin, hookScript, makeSandboxFolder } from './places.js';
import { freePort, isFree } from './ports.js';

export interface SandboxOptions {
  /** Keeps storage, index and log; without one, a temporary folder that `discard` deletes. */
  folder?: string;
  /** On 127.0.0.1; a free one if absent. */
  port?: number;
  /** What Orthanc, and so the hook, finds in its environment. */
  env?: Record<string, string>;
  /** Merged over the sandbox's own configuration: objects key by key, anything else replaces. */
  configuration?: Record<string, unknown>;
  /** A site's own Lua scripts, loaded before and after the hook. */
  scripts?: { before?: string[]; after?: string[] };
  /** Whom the hook tells; without it no hook is installed. */
  hook?: { url: string; secret: string } | false;
  plugins?: SandboxPlugin[];
  /** Plainview on Orthanc's own pages: the plugin that asks the service whom the hook tells. */
  explorer?: boolean;
  /** How to run it; by default Docker where an engine answers, else Debian's packages. */
  way?: 'docker' | 'debian';
  /** Told what takes long, such as a download. */
  say?: (line: string) => void;
}

export interface SandboxOrthanc {
  readonly url: string;
  readonly folder: string;
  /** Of the process that runs now. */
  readonly pid: number;
  log(): Promise<string>;
  /** Asks Orthanc to end and waits until it has (some seconds). What it stored stays. */
  stop(): Promise<void>;
  /** Ends it as a power cut would. What it stored stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port and folder, after stopping it if it runs. */
  restart(): Promise<void>;
  /** Ends it for good and deletes what it stored, unless the caller gave the folder. */
  discard(): Promise<void>;
}

/** Debian's build needs 5 s at the first start with Python; Docker on a busy machine needs more. */
const readyWithinMs = 60_000;
const stopsWithinMs = 20_000;

export async function startOrthanc(options: SandboxOptions = {}): Promise<SandboxOrthanc> {
  const port = options.port ?? (await freePort());
  // Else the answers of whoever holds it would pass for Orthanc's.
  if (!(await isFree(port))) throw createError('sandbox_port_taken', { port });
  const folder = options.folder ? resolve(options.folder) : await temporaryFolder('plainview-orthanc-');
  makeSandboxFolder(folder);
  const logFile = join(folder, 'orthanc.log');
  const url = `http://127.0.0.1:${port}`;
  const hook = options.hook || undefined;
  const spec: OrthancSpec = {
    folder,
    port,
    configuration: await sandboxConfiguration(options.configuration),
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
    await ready(child, url, logFile);
  };
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    if (!child || hasEnded(child)) return;
    const ended = once(child, 'exit');
    if (signal === 'SIGKILL' && launch.killCommand) await runCommand(...launch.killCommand);
    child.kill(signal);
    const late = setTimeout(() => child?.kill('SIGKILL'), stopsWithinMs);
    await ended;
    clearTimeout(late);
  };
  const dropTemporary = () => {
    if (!options.folder && existsSync(folder)) rmSync(folder, { recursive: true, force: true });
  };
  // Whatever way this process ends, short of SIGKILL; for that there is `signalOnOrphan`.
  const atExit = () => {
    child?.kill(launch.signalOnOrphan);
    dropTemporary();
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
      // Nothing is left to lose in a temporary folder, so there is no reason to wait for a clean end.
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
    // The error names the log, so the folder stays.
    process.off('exit', atExit);
    throw error;
  }
  return orthanc;
}

async function chooseLaunch(spec: OrthancSpec, { way, say }: SandboxOptions): Promise<Launch> {
  if (way === 'docker' || (!way && (await dockerAnswers()))) {
    await provideDockerOrthanc(say);
    return dockerLaunch(spec);
  }
  return debianLaunch(await provideDebianOrthanc(say), spec);
}

async function run(launch: Launch, logFile: string): Promise<ChildProcess> {
  const log = await open(logFile, 'a');
  // Linux's setpriv lets the child die with this process even if that is killed.
  const withParent =
    process.platform === 'linux' && existsSync('/usr/bin/setpriv')
      ? ['/usr/bin/setpriv', '--pdeathsig', launch.signalOnOrphan.replace('SIG', ''), launch.command]
      : [launch.command];
  const [command = launch.command, ...args] = [...withParent, ...launch.args];
  try {
    const child = spawn(command, args, {
      env: launch.env,
      stdio: ['ignore', log.fd, log.fd],
      // A group of its own: Ctrl-C must reach the service first, which still needs Orthanc to end cleanly.
      detached: true,
    });
    child.unref();
    await once(child, 'spawn');
    return child;
  } catch (cause) {
    throw createError('sandbox_not_started', { why: (cause as Error).message, log: logFile }, cause);
  } finally {
    await log.close();
  }
}

/** Orthanc opens its index before it listens, so an answer of any status means that it can store. */
async function ready(child: ChildProcess, url: string, logFile: string): Promise<void> {
  const deadline = Date.now() + readyWithinMs;
  while (Date.now() < deadline) {
    if (hasEnded(child)) {
      const said = await readFile(logFile, 'utf8');
      // Orthanc marks an error with an E, and says a good deal after it while it ends.
      const why = said.match(/^E.*$/gm)?.at(-1) ?? lastLines(said, 2);
      throw createError('sandbox_not_started', { why, log: logFile });
    }
    const answer = await fetch(`${url}/system`, { signal: AbortSignal.timeout(2_000) }).catch(
      () => undefined,
    );
    await answer?.arrayBuffer();
    if (answer) return;
    await delay(50);
  }
  throw createError('sandbox_not_started', {
    why: `no answer within ${readyWithinMs / 1000} s`,
    log: logFile,
  });
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;
