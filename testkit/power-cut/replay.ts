import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { shuffled } from '../random.js';
import { waitFor } from '../wait-for.js';
import type { Disk } from './disk.js';
import { DiskModel, type Tree } from './model.js';
import { readTrace, recorder } from './trace.js';
import { combinations } from './versions.js';

/** Where a moment has more states than this, some of them by chance. */
const mostStates = 64;
/** Of all moments together. What is synced as it should be leaves some fifty for each correction. */
const mostStatesInAll = 2000;

export interface Replay extends Disk {
  /** Where the recording is now. Two calls give the same where nothing was done in between. */
  position(): number;
  /**
   * Every different state that a power cut at any moment may have left, with the last moment at which it may. Each is
   * deleted when the next is asked for.
   */
  states(): Iterable<{ until: number; stateDir: string }>;
}

/**
 * A folder whose changes are recorded as system calls. Knows what a power cut may leave from what was synced. `cut` gives
 * the least: nothing but what was synced.
 * @param random seeded, for where there are too many states
 * @returns undefined where this user may not record
 */
export function replay(random: () => number): Replay | undefined {
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'plainview-power-')));
  const [root, trace] = [join(place, 'disk'), join(place, 'trace')];
  const under = recorder(trace);
  mkdirSync(root);
  try {
    const [program = '', ...args] = under;
    execFileSync(program, [...args, 'true'], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  writeFileSync(trace, '');
  const read = (): string => readFileSync(trace, 'utf8');
  const modelOf = (text: string): DiskModel => {
    const model = new DiskModel(root);
    for (const call of readTrace(text, root)) model.apply(call);
    return model;
  };
  let states = 0;
  const write = (tree: Tree): string => {
    const folder = join(place, `state ${states++}`);
    mkdirSync(folder);
    for (const [path, content] of tree)
      if (content === undefined) mkdirSync(join(folder, path));
      else writeFileSync(join(folder, path), content);
    return join(folder, 'state');
  };

  return {
    kind: 'replay',
    stateDir: join(root, 'state'),
    under,
    async cut() {
      const model = modelOf(read());
      // The recording is true: once the service rests, it leads to what is there.
      await waitFor(() => keyOf(modelOf(read()).now()) === currentKey(root), {
        what: 'the recording of what is on the disk',
        timeout: 60_000,
        everyMs: 100,
      });
      // The first option is what was synced last.
      return write(model.after(([synced]) => synced));
    },
    position: () => read().split('\n').length - 1,
    *states() {
      const model = new DiskModel(root);
      const found = new Map<string, { until: number; tree: Tree }>();
      let before: string[] = [];
      for (const call of readTrace(read(), root)) {
        if (!model.apply(call)) continue;
        // Until this call, the states of the call before were possible.
        for (const key of before) {
          const state = found.get(key);
          if (state !== undefined) state.until = call.ended;
        }
        before = [];
        for (const tree of combinations((choose) => model.after(choose), mostStates, random)) {
          const key = keyOf(tree);
          before.push(key);
          found.set(key, { until: Number.POSITIVE_INFINITY, tree });
        }
      }
      for (const { until, tree } of shuffled([...found.values()], random).slice(0, mostStatesInAll)) {
        const stateDir = write(tree);
        yield { until, stateDir };
        rmSync(dirname(stateDir), { recursive: true });
      }
    },
    discard: () => rm(place, { recursive: true }),
  };
}

const keyOf = (tree: Tree): string => {
  const hash = createHash('sha256');
  for (const [path, content] of [...tree].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${path}\0${content === undefined ? 'folder' : content.toString('hex')}\0`);
  return hash.digest('hex');
};

/** @returns undefined while files are being replaced */
function currentKey(root: string): string | undefined {
  try {
    return keyOf(treeOf(root));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function treeOf(root: string): Tree {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true })
    // The socket of the folder's lock says nothing about the disk.
    .filter((entry) => entry.isFile() || entry.isDirectory());
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(root.length + 1), entry.isFile() ? readFileSync(path) : undefined] as const;
    }),
  );
}
