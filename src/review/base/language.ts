import { readStored, writeStored } from './storage.js';

/** The languages of the page, by their BCP 47 tags, each in its own name. */
export const languages = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof languages;
export const languageTags = Object.keys(languages) as Language[];

const storageKey = 'plainview-language';

const languageOf = (tag: string): Language | undefined =>
  languageTags.find((name) => tag.toLowerCase().split('-')[0] === name);

/**
 * The reader's choice, else the first language of the browser that the page has.
 * @param preferred best first, as `navigator.languages`
 * @returns with `locale` the region that the browser names for it: `de-CH` writes numbers otherwise than `de`
 */
export function chooseLanguage(
  chosen: string | null,
  preferred: readonly string[],
): { language: Language; locale: string } {
  const language = [chosen ?? '', ...preferred].map(languageOf).find((name) => name !== undefined) ?? 'en';
  const own = preferred.find((tag) => languageOf(tag) === language && /^[a-z]{2}(-[A-Z]{2})?$/.test(tag));
  return { language, locale: own ?? language };
}

/** The one place that selects the language of the page: its texts, numbers, dates and plurals. */
export const { language, locale } = chooseLanguage(
  readStored('localStorage', storageKey),
  typeof document === 'undefined' ? [] : navigator.languages,
);

/** Texts are loaded once, so the page begins anew, at the same place. */
export function switchLanguage(to: Language): void {
  writeStored('localStorage', storageKey, to);
  location.reload();
}
