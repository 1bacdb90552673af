import { count, plural } from '../base/format.js';

const pictures = (number: number): string =>
  `${count(number)} ${plural(number, { one: 'picture', other: 'pictures' })}`;

/** English texts of the grid: many confirmations at once. */
export const gridTexts = {
  gridTitle: 'Many at once',
  gridOpen: 'Many at once',
  gridFor: 'This page needs the role reviewer.',
  gridNote:
    'The most doubtful come first. Take out what does not fit; confirm the rest together. What you take out stays in its list.',
  gridState: 'Which',
  gridStates: { needs_review: 'Need review', category: 'Given by the network' },
  gridCategory: 'Category',
  gridCategoryOption: (category: string, number: number | undefined) =>
    number === undefined ? category : `${category} (${count(number)})`,
  gridPictures: (category: string) => `Pictures that are to be ${category}`,
  gridEmpty: 'Nothing here waits for a confirmation.',
  gridShown: (shown: number, out: number) =>
    out === 0 ? pictures(shown) : `${pictures(shown)}, ${count(out)} taken out`,
  gridSaving: 'Saving …',
  gridCell: (place: number, of: number, score: string, isOut: boolean, differs: boolean) =>
    `Picture ${count(place)} of ${count(of)}, score ${score}${differs ? ', differs from the order' : ''}${isOut ? ', taken out' : ''}`,
  gridOut: '✕ Out',
  gridIn: '✓',
  gridConfirm: (number: number) => `Confirm ${count(number)}`,
  gridSkip: 'Next pictures',
  gridUndo: 'Undo',
  gridConfirmed: (number: number, category: string) => `Confirmed as ${category}: ${pictures(number)}.`,
  gridDiffer: (number: number) =>
    `${pictures(number)} ${plural(number, { one: 'differs', other: 'differ' })} from the order: see “Order mismatch”.`,
  gridUndone: (number: number) => `Undone: ${pictures(number)}.`,
  gridNotSeen: (number: number) => `First look at the rest: ${pictures(number)} not seen yet.`,
  gridNoPicture: 'There is no picture to look at, so it cannot be confirmed here.',
  gridLost: (message: string) =>
    `${message} Some may be confirmed. Undo takes back those that are; what is shown now is up to date as far as the service answers.`,
  gridRefused: (number: number) => `Refused: ${pictures(number)}`,
  gridRefusedPicture: 'Show the picture',
  gridDismiss: 'Dismiss',
  gridSpaceKey: 'Space',
  keysGrid: 'Many at once',
  keyGrid: 'Many at once',
  keyGridToggle: 'Take the picture out, or back in',
  keyGridConfirm: 'Confirm the rest',
  keyGridOpen: 'Show the picture large',
  keyGridUndo: 'Undo the last confirmation of many',
};
