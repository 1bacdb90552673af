import messages from './de.json';
import names from './de-categories.json';
import errors from './de-errors.json';
import type { Catalogue } from './messages.js';

export const german: Catalogue = { messages, ...names, errors };
