import { wordsOf } from '../base/words.js';
import type { Category } from '../state/session.js';
import { texts } from '../texts/index.js';

/**
 * The categories in whose name every typed word begins a word, in any order: `lat kn` finds `knee_lateral`, and so
 * does `kneelat`. Where no name has them, what orders call the view is searched: `Ferse seitl`. The network's candidates
 * come first, best first; then what the network knows. What it does not know is found by typing alone.
 */
export function matchCategories(
  text: string,
  categories: readonly Category[],
  scores: ReadonlyMap<string, number>,
): Category[] {
  const typed = wordsOf(text);
  const choices = typed.length === 0 ? categories.filter(({ isKnown }) => isKnown) : categories;
  const byName = choices.filter(({ name }) => {
    const words = wordsOf(`${name} ${texts.categoryName(name)}`);
    return typed.every((start) => words.some((word) => word.startsWith(start)) || beginsWords(start, words));
  });
  const found = byName.length > 0 ? byName : choices.filter(({ words }) => isIn(words, typed));
  return found.sort((one, other) => (scores.get(other.name) ?? 0) - (scores.get(one.name) ?? 0));
}

const isIn = (words: readonly string[], typed: readonly string[]): boolean =>
  typed.every((start) => words.some((word) => word.startsWith(start)));

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
