import { language } from '../base/language.js';
import type { Catalogue } from './catalogue.js';
import en from './en.json';
import reasons from './en-reasons.json';

const english: Catalogue = { messages: en, categories: {}, regions: {}, reasons, errors: {} };

/** English is part of the page. Each other language is a file that is loaded where it is chosen. */
export const catalogue: Catalogue = language === 'de' ? (await import('./de.js')).german : english;
