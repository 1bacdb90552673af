import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { shipped } from '../src/files/places.js';

/** The built command line: `npm test` builds it first. */
export const cliFile = shipped('dist', 'cli.js');

export interface RunningCommand {
  child: ChildProcessWithoutNullStreams;
  /** Standard output and error so far. */
  out: () => string;
  /** Exit status. */
  ended: Promise<number | null>;
}

/** Starts the command without the environment of the test, except PATH. */
export function plainview(args: string[], env: Record<string, string>): RunningCommand {
  const child = spawn(process.execPath, [cliFile, ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      text += String(chunk);
    });
  return { child, out: () => text, ended: once(child, 'exit').then(([status]) => status as number | null) };
}

/** Starts `plainview serve` with one worker thread. */
export const serve = (
  { orthanc, hook, stateDir }: { orthanc: string; hook: { secret: string; port: number }; stateDir: string },
  env: Record<string, string> = {},
): RunningCommand =>
  plainview(['serve'], {
    PLAINVIEW_ORTHANC_URL: orthanc,
    PLAINVIEW_SECRET: hook.secret,
    PLAINVIEW_PORT: String(hook.port),
    PLAINVIEW_STATE_DIR: stateDir,
    PLAINVIEW_WORKERS: '1',
    ...env,
  });

export interface CommandResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs the command to its end, in the environment of the test.
 * @param options.readOnce closes standard output after the first data, as `| head` does
 * @param options.readNothing closes it before there is any
 */
export async function runPlainview(
  args: string[],
  {
    stdin = '',
    readOnce = false,
    readNothing = false,
    cwd = process.cwd(),
    env = {} as NodeJS.ProcessEnv,
  } = {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, [cliFile, ...args], { cwd, env: { ...process.env, ...env } });
  let [stdout, stderr] = ['', ''];
  if (readNothing) child.stdout.destroy();
  child.stdout.on('data', (data) => {
    stdout += data;
    if (readOnce) child.stdout.destroy();
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const [status] = await once(child, 'close');
  return { status: status as number | null, stdout, stderr };
}
