import { language } from '../base/language.js';
import en from './en.json';

/** What a language has: the messages of `en.json`, and what English needs no file for. */
export interface Catalogue {
  messages: typeof en;
  /** Names of categories. A category without one is named by its own words, as in English. */
  categories: { readonly [category: string]: string | undefined };
  /** Names of body parts, by DICOM's meaning. */
  regions: { readonly [meaning: string]: string | undefined };
  /** The service's errors, by code. Without one, the service's own sentence is shown. */
  errors: { readonly [code: string]: string | undefined };
}

const english: Catalogue = { messages: en, categories: {}, regions: {}, errors: {} };

/** English is part of the page. Each other language is a file that is loaded where it is chosen. */
export const catalogue: Catalogue = language === 'de' ? (await import('./de.js')).german : english;
