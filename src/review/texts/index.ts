import { language } from '../base/language.js';
import { en } from './en.js';

/** A language is one more file with an object of this type. */
export type Texts = typeof en;

const catalogues = { en } satisfies { [name: string]: Texts };

/** All that people read on the page, except what the service says. */
export const texts: Texts = catalogues[language];
