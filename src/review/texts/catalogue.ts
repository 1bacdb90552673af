import type en from './en.json';
import type enReasons from './en-reasons.json';

/** What a language has: the messages of `en.json`, and what English needs no file for. */
export interface Catalogue {
  messages: typeof en;
  /** Names of categories. A category without one is named by its own words, as in English. */
  categories: { readonly [category: string]: string | undefined };
  /** Names of body parts, by DICOM's meaning. */
  regions: { readonly [meaning: string]: string | undefined };
  /** Why a decision was made and what the order check found: by the service's codes. */
  reasons: typeof enReasons;
  /** The service's errors, by code. Without one, the service's own sentence is shown. */
  errors: { readonly [code: string]: string | undefined };
}
