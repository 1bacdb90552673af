import type { Catalogue } from './catalogue.js';
import messages from './de.json';
import names from './de-categories.json';
import errors from './de-errors.json';
import reasons from './de-reasons.json';

export const german: Catalogue = { messages, ...names, reasons, errors };
