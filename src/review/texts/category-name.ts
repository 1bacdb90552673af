import { otherClass } from '../base/other-class.js';
import { catalogue } from './messages.js';

/** Of the further views. */
const eponyms = /\b(caldwell|grashey|judet|norgaard|rhese|rosenberg|schueller|towne|waters)\b/g;

/** The category's own words, for English and for the classes of a site's own network: `chest_pa_ap` → `Chest PA/AP`. */
function ownWords(category: string): string {
  const words = category
    .replace(/_pa_ap$/, ' PA/AP')
    .replace(/_(ap|pa)(?=_|$)/, (_, view: string) => ` ${view.toUpperCase()}`)
    .replaceAll('_', ' ')
    .replace(eponyms, (name) => name.charAt(0).toUpperCase() + name.slice(1));
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export const categoryName = (category: string): string =>
  category === otherClass || category === 'unknown_view'
    ? catalogue.messages.noneOfThese
    : (catalogue.categories[category] ?? ownWords(category));

/** @param category null: none of the categories */
export const inSentence = (category: string | null): string =>
  category === null ? catalogue.messages.noneInSentence : categoryName(category);
