import type { Orientation, QuarterTurn } from './orientation.js';

/** What is told of it; undefined where nothing is. */
export const toldIn = (known: Orientation | undefined) => (known === 'cannot_tell' ? undefined : known);

/** By how much a picture must be turned clockwise to be upright; 0 also where that is not told. */
export const turnOf = (known: Orientation | undefined): QuarterTurn => toldIn(known)?.turned ?? 0;

/** What stands of what a network told where the picture is of another category than was thought: of a chest alone it tells that it is mirrored. */
export const turnAlone = (known: Orientation): Orientation =>
  known === 'cannot_tell' ? known : { turned: known.turned, score: known.score };

/** Whether a picture is said to be mirrored. */
export const isMirrored = (known: Orientation | undefined): boolean => toldIn(known)?.mirrored === true;
