import { categoryName } from './category-name.js';
import { say } from './say.js';

/** The messages with placeholders of the grid: many confirmations at once. */
export const gridSentences = {
  gridCategoryOption: (category: string, number: number | undefined) =>
    say('gridCategoryOption', { category, isCounted: number !== undefined, number: number ?? 0 }),
  gridPictures: (category: string) => say('gridPictures', { category: categoryName(category) }),
  gridShown: (shown: number, out: number) => say('gridShown', { shown, out }),
  gridCell: (place: number, of: number, score: string, isOut: boolean, differs: boolean) =>
    say('gridCell', { place, of, score, isOut, differs }),
  gridConfirm: (number: number) => say('gridConfirm', { number }),
  gridConfirmed: (number: number, category: string) =>
    say('gridConfirmed', { number, category: categoryName(category) }),
  gridDiffer: (number: number) => say('gridDiffer', { number }),
  gridUndone: (number: number) => say('gridUndone', { number }),
  gridNotSeen: (number: number) => say('gridNotSeen', { number }),
  gridLost: (message: string) => say('gridLost', { message }),
  gridRefused: (number: number) => say('gridRefused', { number }),
};
