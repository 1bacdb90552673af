import type { Side } from '../anatomy/laterality.js';

/** A viewport of a protocol, with the picture that it shows. */
export interface Cell {
  /** Unique among all protocols: `chest/1`. Counted from the top left, including empty positions. */
  place: string;
  /** Counted from 1. */
  row: number;
  column: number;
  category: string;
  /** Whether its body part has sides. */
  isPaired: boolean;
  /** Absent: any side, but the same for all such cells of a protocol. */
  side?: Side;
  /** Whether it shows a picture of an earlier study. */
  prior: boolean;
}

export interface Protocol {
  id: string;
  title: string;
  rows: number;
  columns: number;
  /** From the top left, without empty positions. */
  cells: readonly Cell[];
}

/** The content of a file of hanging protocols. */
export interface Hanging {
  /** Softmax, 0 to 1: a network's category with a lower score is not hung. */
  leastScore: number;
  priors: { years: number; studies: number };
  /** In the file's order. */
  protocols: readonly Protocol[];
}

/** Whether one picture could fit both cells. */
export const overlap = (a: Cell, b: Cell): boolean =>
  a.category === b.category &&
  a.prior === b.prior &&
  (a.side === undefined || b.side === undefined || a.side === b.side);
