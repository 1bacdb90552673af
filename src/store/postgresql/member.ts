import type { Logger } from 'pino';

/** The process that leads. */
export interface Leader {
  who: string;
  /** At which other members reach it. */
  url: string;
  /** ISO 8601. */
  since: string;
}

/** Fingerprints of what must be alike at all members, by name. */
export type Settings = Readonly<Record<string, string>>;

/** Another member, as it said of itself when it joined. */
export interface Other {
  who: string;
  settings: Settings;
}

export interface Joining {
  /** Names this process to others. */
  who: string;
  /** At which other members reach it. */
  url: string;
  /** Whether it may become the leader. */
  mayLead: boolean;
  settings?: Settings;
  /** Other than the default in tests alone, milliseconds. */
  giveUpMs?: number | undefined;
  log: Logger;
}

/** The members that are there, as one of them sees them. */
export interface Seen {
  /** By the clock of the database. */
  time: Date;
  who: string | null;
  url: string | null;
  since: Date | null;
  leads: boolean;
  members: number;
  otherCanLead: boolean;
  others: Other[] | null;
}
