/** The rules that `check.ts` checks. `rooms.ts` contains those of Plainview. */
export interface Architecture {
  /** From top to bottom. An import goes down, or sideways to a room in `knows`; never up. */
  storeys: readonly string[];
  rooms: readonly Room[];
  /** Packages that only some rooms may import. A name may end with `/*`. Every room may import other packages. */
  packages: Readonly<Record<string, readonly string[]>>;
  /** Rooms that directly or indirectly import only these packages, and no module of Node.js. */
  withoutNode: Readonly<Record<string, readonly string[]>>;
}

export interface Room {
  /**
   * Path of a folder or a file, relative to the root of the sources. A room may be inside another. Then its files belong
   * only to the inner room, and imports between the two rooms need an entry in `knows`.
   */
  path: string;
  storey: string;
  /** What the room does, in a few words. */
  job: string;
  /** Rooms that its files may import, including imports of types only. */
  knows: readonly string[];
}

/** @returns the innermost room that contains the file; undefined if there is none */
export const roomOf = (rooms: readonly Room[], file: string): Room | undefined =>
  rooms
    .filter(({ path }) => file === path || file.startsWith(`${path}/`))
    .reduce<Room | undefined>(
      (inner, room) => (room.path.length > (inner?.path.length ?? 0) ? room : inner),
      undefined,
    );
