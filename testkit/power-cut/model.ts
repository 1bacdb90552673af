import { basename, dirname, join } from 'node:path';
import type { SystemCall } from './trace.js';
import { Versions } from './versions.js';

/** `file` has the versions of its content; `folder` those of each of its names. */
type Node = File | Folder;
class File {
  readonly content = new Versions<Buffer>(Buffer.alloc(0));
  /** Where the next write goes. No two of Plainview's write to one file at a time. */
  position = 0;
}
class Folder {
  readonly names = new Map<string, Versions<Node | undefined>>();
}

/** Of several options the first is what was synced last, the last is the newest. */
type Choose = <C>(options: readonly [C, ...C[]]) => C;
/** Path → content of a file; undefined: a folder. */
export type Tree = Map<string, Buffer | undefined>;

/**
 * A folder as the weakest file system that POSIX allows may keep it. Content is safe when its file was synced, a name
 * when its folder was, each without any order. Until then a power cut leaves any version of it, and content also in
 * part. A rename may leave both names, or none.
 */
export class DiskModel {
  readonly #root: string;
  readonly #folder = new Folder();

  /** @param root an empty folder */
  constructor(root: string) {
    this.#root = root;
  }

  /** @returns whether the call changes what a power cut may leave */
  apply(call: SystemCall): boolean {
    const paths = call.paths.filter((path) => path.startsWith(`${this.#root}/`) || path === this.#root);
    const [path, to] = paths;
    if (path === undefined) return false;
    const { name, ended: at } = call;
    if (name === 'openat' || name === 'open') return this.#open(path, call);
    if (name === 'write') this.#write(path, call);
    else if (name === 'fsync' || name === 'fdatasync') this.#sync(path, call.began);
    else if (/^rename/.test(name) && to !== undefined) {
      this.#name(to).write(at, this.#node(path));
      this.#name(path).write(at, undefined);
    } else if (/^(unlink|rmdir)/.test(name)) this.#name(path).write(at, undefined);
    else if (/^mkdir/.test(name)) this.#name(path).write(at, new Folder());
    else throw new Error(`the recording has ${name}(${path}), which is not modelled`);
    return true;
  }

  /** What the running system sees. */
  now(): Tree {
    return this.#tree((options) => options.at(-1) ?? options[0], false);
  }

  /** What a power cut leaves, by these choices. */
  after(choose: Choose): Tree {
    return this.#tree(choose, true);
  }

  #tree(choose: Choose, isTorn: boolean): Tree {
    const tree: Tree = new Map();
    const add = (folder: Folder, place: string): void => {
      for (const [name, versions] of folder.names) {
        const node = choose(versions.possible);
        const path = join(place, name);
        if (node instanceof File) tree.set(path, choose(isTorn ? torn(node) : node.content.possible));
        else if (node !== undefined) {
          tree.set(path, undefined);
          add(node, path);
        }
      }
    };
    add(this.#folder, '');
    return tree;
  }

  #open(path: string, { args, ended }: SystemCall): boolean {
    if (!/O_(CREAT|TRUNC)/.test(args)) return false;
    const known = this.#name(path);
    if (known.now === undefined) known.write(ended, new File());
    else if (/O_TRUNC/.test(args) && known.now instanceof File)
      known.now.content.write(ended, Buffer.alloc(0));
    const file = known.now;
    if (file instanceof File) file.position = /O_APPEND/.test(args) ? file.content.now.length : 0;
    return true;
  }

  /** Everything that Plainview keeps is written from its beginning to its end, also over what is there, or appended. */
  #write(path: string, { text, result, ended }: SystemCall): void {
    const node = this.#node(path);
    if (!(node instanceof File)) throw new Error(`${path} is written to, but is no file`);
    const { content, position } = node;
    const written = text.subarray(0, result);
    node.position = position + written.length;
    const rest = content.now.subarray(node.position);
    content.write(ended, Buffer.concat([content.now.subarray(0, position), written, rest]));
  }

  #sync(path: string, began: number): void {
    const node = path === this.#root ? this.#folder : this.#node(path);
    if (node instanceof File) node.content.sync(began);
    else for (const versions of node?.names.values() ?? []) versions.sync(began);
  }

  #node(path: string): Node | undefined {
    return path === this.#root ? this.#folder : this.#name(path).now;
  }

  #name(path: string): Versions<Node | undefined> {
    const folder = this.#node(dirname(path));
    if (!(folder instanceof Folder)) throw new Error(`${path} lies in no folder of the recording`);
    const known = folder.names.get(basename(path)) ?? new Versions<Node | undefined>(undefined);
    folder.names.set(basename(path), known);
    return known;
  }
}

/** What was not synced may also be there in part, or not at all. What is appended takes nothing from what was synced. */
function torn({ content }: File): [Buffer, ...Buffer[]] {
  const { possible, now } = content;
  const [synced] = possible;
  if (possible.length === 1) return possible;
  const isAppended = now.subarray(0, synced.length).equals(synced);
  const kept = isAppended ? synced.length : 0;
  return [...possible, now.subarray(0, kept), now.subarray(0, (kept + now.length) / 2)];
}
