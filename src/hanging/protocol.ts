import type { Side } from '../anatomy/laterality.js';

/** A viewport that wants a picture. */
export interface Cell {
  /** Unique among all protocols: `chest/1`, counted from the top left, empty cells too. */
  place: string;
  /** Counted from 1. */
  row: number;
  column: number;
  category: string;
  /** Absent: whichever side, the same for all such cells of a protocol. */
  side?: Side;
  /** Wants a picture of an earlier study. */
  prior: boolean;
}

export interface Protocol {
  id: string;
  title: string;
  rows: number;
  columns: number;
  /** From the top left; positions that stay empty are left out. */
  cells: readonly Cell[];
}

/** What a site's file of hanging protocols says. */
export interface Hanging {
  /** Softmax score, 0 to 1, under which a category of the network's is not hung. */
  leastScore: number;
  priors: { years: number; studies: number };
  /** In the file's order. */
  protocols: readonly Protocol[];
}

/** Whether one picture could go into both cells. */
export const overlap = (a: Cell, b: Cell): boolean =>
  a.category === b.category &&
  a.prior === b.prior &&
  (a.side === undefined || b.side === undefined || a.side === b.side);
