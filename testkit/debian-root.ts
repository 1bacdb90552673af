import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shipped } from '../src/files/places.js';

const cache = shipped('.sandbox', 'debian-root');
/** adduser, so that the package can be installed without a mirror. */
const packages = 'adduser';

export interface RunOptions {
  env?: Record<string, string>;
  /** Default: root. */
  user?: string;
}

/** A fresh Debian without anything of this machine, in a folder. Its processes use the network of this machine. */
export class DebianRoot {
  readonly path: string;
  readonly #shared: readonly string[];

  private constructor(path: string, shared: readonly string[]) {
    this.path = path;
    this.#shared = shared;
  }

  /**
   * Only root can do it.
   * @param shared folders of this machine that are at the same place in it
   * @returns why there is none: this needs mmdebstrap, and Debian's mirror or what an earlier run fetched
   */
  static create(suite: 'bookworm' | 'trixie', shared: readonly string[]): DebianRoot | string {
    const packed = join(cache, `${suite}.tar`);
    if (!existsSync(packed)) {
      mkdirSync(cache, { recursive: true });
      const part = join(cache, `${suite}.${process.pid}.part.tar`);
      const made = spawnSync(
        'mmdebstrap',
        ['--quiet', '--variant=minbase', `--include=${packages}`, suite, part],
        { encoding: 'utf8' },
      );
      if (made.status !== 0) {
        rmSync(part, { force: true });
        return `mmdebstrap made no root: ${made.error?.message ?? made.stderr.trim().split('\n').at(-1)}`;
      }
      renameSync(part, packed);
    }
    const path = mkdtempSync(join(tmpdir(), 'plainview-root-'));
    execFileSync('tar', ['-xf', packed, '-C', path]);
    for (const folder of shared) mkdirSync(join(path, folder), { recursive: true });
    return new DebianRoot(path, shared);
  }

  /** Runs a command to its end. */
  run(
    command: readonly string[],
    options: RunOptions = {},
  ): { status: number | null; stdout: string; stderr: string } {
    const [program, args] = this.#inside(command, options);
    return spawnSync(program, args, { encoding: 'utf8', env: environment(options) });
  }

  /** Runs a command that must succeed. @returns its standard output */
  must(command: readonly string[], options: RunOptions = {}): string {
    const { status, stdout, stderr } = this.run(command, options);
    if (status !== 0) throw new Error(`${command.join(' ')}: status ${status}: ${stdout}${stderr}`);
    return stdout;
  }

  /** Starts a command. Its end is the caller's task. */
  start(command: readonly string[], options: RunOptions = {}): ChildProcess {
    const [program, args] = this.#inside(command, options);
    return spawn(program, args, { env: environment(options), stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** All files and links below a folder, sorted. */
  files(folder: string): string[] {
    return this.must(['find', folder, '-mindepth', '1', '-not', '-type', 'd']).trim().split('\n').toSorted();
  }

  discard(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** In a mount namespace of its own, so nothing stays mounted, however it ends. */
  #inside(command: readonly string[], { user }: RunOptions): [string, string[]] {
    const mounts = [
      `mount -t proc proc ${this.path}/proc`,
      ...this.#shared.map((folder) => `mount --rbind ${folder} ${this.path}${folder}`),
    ];
    const as = user === undefined ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups'];
    const enter = ['chroot', this.path, ...as, ...command];
    return ['unshare', ['--mount', 'sh', '-ec', `${mounts.join('; ')}; exec "$@"`, 'sh', ...enter]];
  }
}

const environment = ({ env = {} }: RunOptions) => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  DEBIAN_FRONTEND: 'noninteractive',
  DEBCONF_NOWARNINGS: 'yes',
  LC_ALL: 'C.UTF-8',
  ...env,
});
