import type { Catalogue } from './catalogue.js';
import messages from './de.json';
import names from './de-categories.json';
import errors from './de-errors.json';

export const german: Catalogue = { messages, ...names, errors };
