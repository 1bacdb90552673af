import type { Laterality } from '../anatomy/laterality.js';
import { byStanding, type Standing } from '../decisions/exposure.js';
import type { Cell, Protocol } from './protocol.js';

/** The input of the arrangement. */
export interface HangablePicture extends Standing {
  sopInstanceUid: string;
  seriesInstanceUid: string;
  studyInstanceUid: string;
  /** Given only where it is sure enough for hanging. */
  category?: string;
  side?: Laterality;
  seriesNumber: number;
  instanceNumber: number;
}

export interface Hung<P extends HangablePicture> {
  protocol: Protocol;
  cells: readonly { cell: Cell; picture: P }[];
}

/**
 * Selects the protocol for a study. Every cell of the protocol must find its picture. The protocol with the most current
 * pictures is used; of those, the one with the most prior pictures; of those, the first in the list. The order of the
 * pictures has no effect.
 * @param pictures the pictures of the study
 * @param priors the pictures of each earlier study, newest first
 * @returns undefined where no protocol fits: the viewer uses its default
 */
export function arrange<P extends HangablePicture>(
  protocols: readonly Protocol[],
  pictures: readonly P[],
  priors: readonly (readonly P[])[],
): Hung<P> | undefined {
  const ranked = [...pictures].sort(byRank);
  const rankedPriors = priors.map((study) => [...study].sort(byRank));
  let best: { hung: Hung<P>; current: number; prior: number } | undefined;
  for (const protocol of protocols) {
    const prior = protocol.cells.filter((cell) => cell.prior).length;
    const current = protocol.cells.length - prior;
    if (best && (current < best.current || (current === best.current && prior <= best.prior))) continue;
    const hung = hang(protocol, ranked, rankedPriors);
    if (hung !== undefined) best = { hung, current, prior };
  }
  return best?.hung;
}

function hang<P extends HangablePicture>(
  protocol: Protocol,
  pictures: readonly P[],
  priors: readonly (readonly P[])[],
): Hung<P> | undefined {
  const current = protocol.cells.filter(({ prior }) => !prior);
  const prior = protocol.cells.filter((cell) => cell.prior);
  for (const side of sidesToTry(current, pictures)) {
    const now = fill(current, pictures, side);
    if (now === undefined) continue;
    if (prior.length === 0) return { protocol, cells: now };
    for (const study of priors) {
      // Where the side is unknown, the prior may show the other side.
      const then = side === undefined && prior.some(needsSide) ? undefined : fill(prior, study, side);
      if (then !== undefined) {
        const filled = new Map([...now, ...then].map((each) => [each.cell, each]));
        return { protocol, cells: protocol.cells.flatMap((cell) => filled.get(cell) ?? []) };
      }
    }
  }
  return undefined;
}

/** Whether the cell has no side, but its body part is paired. */
const needsSide = ({ side, isPaired }: Cell): boolean => side === undefined && isPaired;

/** The sides for the cells that have none, right before left. Undefined as an entry: the side is unknown. */
function sidesToTry(
  cells: readonly Cell[],
  pictures: readonly HangablePicture[],
): (Laterality | undefined)[] {
  const paired = new Set(cells.filter(needsSide).map(({ category }) => category));
  if (paired.size === 0) return [undefined];
  const presentSides = new Set(
    pictures.filter(({ category }) => category !== undefined && paired.has(category)).map(({ side }) => side),
  );
  return (['R', 'L', 'B', undefined] as const).filter((side) => presentSides.has(side));
}

/** @returns undefined where a cell finds no picture */
function fill<P extends HangablePicture>(
  cells: readonly Cell[],
  ranked: readonly P[],
  side: Laterality | undefined,
): { cell: Cell; picture: P }[] | undefined {
  const filled: { cell: Cell; picture: P }[] = [];
  for (const cell of cells) {
    const ofCategory = ranked.filter(({ category }) => category === cell.category);
    const wanted = cell.side ?? (cell.isPaired ? side : 'any');
    const fitting = wanted === 'any' ? ofCategory : ofCategory.filter((picture) => picture.side === wanted);
    const [picture, another] = fitting;
    // Two pictures of a paired part whose sides are unknown: they may show different sides.
    if (picture === undefined || (wanted === undefined && another !== undefined)) return undefined;
    filled.push({ cell, picture });
  }
  return filled;
}

/** By standing, then in the order of series and instance numbers. */
function byRank(a: HangablePicture, b: HangablePicture): number {
  return (
    byStanding(a, b) ||
    compare(a.seriesNumber, b.seriesNumber) ||
    compare(a.instanceNumber, b.instanceNumber) ||
    compare(a.sopInstanceUid, b.sopInstanceUid)
  );
}

const compare = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
