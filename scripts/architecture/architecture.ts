/** What a check needs to know: `rooms.ts` has Plainview's. */
export interface Architecture {
  /** From top to bottom. An import goes down, or sideways to a room that is named; never up. */
  storeys: readonly string[];
  rooms: readonly Room[];
  /** Packages that only some rooms may import; each name may end with `/*`. A package that is not named is free. */
  packages: Readonly<Record<string, readonly string[]>>;
  /** Rooms that reach, through whatever they import, only these packages, and no module of Node.js. */
  withoutNode: Readonly<Record<string, readonly string[]>>;
}

export interface Room {
  /**
   * Path of a folder or a file, from the root of the sources. A room may lie within another: then its files belong to
   * it alone, and the two may not know each other unless they say so.
   */
  path: string;
  storey: string;
  /** What lives there, in a few words. */
  job: string;
  /** Rooms that its files may import, with types alone too. */
  knows: readonly string[];
}

/** @returns the innermost room that holds the file; undefined where there is none */
export const roomOf = (rooms: readonly Room[], file: string): Room | undefined =>
  rooms
    .filter(({ path }) => file === path || file.startsWith(`${path}/`))
    .reduce<Room | undefined>(
      (inner, room) => (room.path.length > (inner?.path.length ?? 0) ? room : inner),
      undefined,
    );
