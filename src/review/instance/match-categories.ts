import { texts } from '../texts/index.js';

/**
 * The categories in whose name every typed word begins a word, in any order: `lat kn` finds `knee_lateral`, and so
 * does `kneelat`. The network's candidates come first, best first; the rest in the network's order.
 */
export function matchCategories(
  text: string,
  categories: readonly string[],
  scores: ReadonlyMap<string, number>,
): string[] {
  const typed = text
    .toLowerCase()
    .split(/[\s_/,]+/)
    .filter((word) => word !== '');
  const found = categories.filter((category) => {
    const words = `${category} ${texts.categoryName(category)}`.toLowerCase().split(/[\s_/]+/);
    return typed.every((start) => words.some((word) => word.startsWith(start)) || beginsWords(start, words));
  });
  return found.sort((one, other) => (scores.get(other) ?? 0) - (scores.get(one) ?? 0));
}

/** Whether the letters can be cut into the beginnings of successive words. */
function beginsWords(letters: string, words: readonly string[]): boolean {
  if (letters === '') return true;
  return words.some((word, at) => {
    for (let length = Math.min(word.length, letters.length); length > 1; length--)
      if (
        word.startsWith(letters.slice(0, length)) &&
        beginsWords(letters.slice(length), words.slice(at + 1))
      )
        return true;
    return false;
  });
}
