import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig } from '../src/config/load.js';
import { ChangeCursor } from '../src/intake/cursor.js';
import { Follower } from '../src/intake/follower.js';
import type { InstanceId } from '../src/orthanc/ids.js';
import { Orthanc } from '../src/orthanc/orthanc.js';
import { AdmissionPolicy } from '../src/queue/admission-policy.js';
import { MemoryQueue } from '../src/queue/memory.js';
import { FolderStore } from '../src/store/folder-store.js';
import { silent } from './fake-site.js';

export interface FollowOptions {
  url: string;
  /** The state that an earlier one left. */
  stateDir?: string;
  /** Instances with a decision. A follower adds those that its jobs decided before it was killed. */
  decided: Set<InstanceId>;
  /** How long a job takes, milliseconds. */
  jobMs?: () => number;
  pollMs?: number;
  lateMs?: number;
}

/** The reader of the change log, in this process. It can be killed at any moment: what it does after that has no effect. */
export class MortalFollower {
  late = 0;
  readonly follower: Follower;
  readonly #orthanc: Orthanc;
  readonly #stateDir: string;
  #isDead = false;

  static async start({ stateDir = newFolder(), ...options }: FollowOptions): Promise<MortalFollower> {
    const cursor = await ChangeCursor.open(new FolderStore(stateDir), silent);
    return new MortalFollower(options, cursor, stateDir);
  }

  private constructor(
    { url, decided, jobMs = () => 0, pollMs = 1, lateMs = 600_000 }: Omit<FollowOptions, 'stateDir'>,
    cursor: ChangeCursor,
    stateDir: string,
  ) {
    this.#stateDir = stateDir;
    this.#orthanc = new Orthanc(loadConfig({ PLAINVIEW_ORTHANC_URL: url, PLAINVIEW_ORTHANC_RETRIES: '0' }));
    const queue = new MemoryQueue(
      new AdmissionPolicy({ concurrency: 64, backlog: 64 }),
      async ({ instance }) => {
        await delay(jobMs());
        if (!this.#isDead) decided.add(instance);
        return { kind: 'settled' };
      },
    );
    this.follower = new Follower({
      orthanc: this.#orthanc,
      queue,
      cursor,
      isSettled: async ({ ID }) => decided.has(ID),
      isUnfinished: async () => false,
      groupRequests: { begin: async () => undefined },
      onLogCleared: () => undefined,
      onLate: (entries) => {
        this.late += entries;
      },
      pollMs,
      lateMs,
      log: silent,
    });
    this.follower.resume();
  }

  /** @returns the state that it leaves */
  async kill(): Promise<string> {
    this.#isDead = true;
    const left = newFolder();
    cpSync(this.#stateDir, left, { recursive: true });
    await this.end();
    return left;
  }

  async end(): Promise<void> {
    this.#orthanc.close();
    await this.follower.stop();
  }
}

const folders: string[] = [];

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plainview-follower-'));
  folders.push(folder);
  return folder;
}

/** Deletes the state of all followers so far. */
export function discardFollowers(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}
