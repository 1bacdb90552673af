import { categoryName } from './category-name.js';
import { errorText } from './errors.js';
import { catalogue } from './messages.js';
import { decisionReason, failureReason, orderReason } from './reasons.js';
import { sentences } from './sentences.js';

/**
 * All that people read on the page, except what the service says. A text is a message in `en.json` and in the file of every
 * other language; one with placeholders is also a function in `sentences.ts`.
 */
export const texts = {
  ...catalogue.messages,
  ...sentences,
  categoryName,
  errorText,
  decisionReason,
  orderReason,
  failureReason,
};
