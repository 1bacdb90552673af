import { IntlMessageFormat } from 'intl-messageformat';
import { locale } from '../base/language.js';
import { catalogue } from './messages.js';

type Messages = typeof catalogue.messages;
export type MessageName = {
  [name in keyof Messages]: Messages[name] extends string ? name : never;
}[keyof Messages];
export type Values = Readonly<Record<string, string | number | boolean>>;

const formats = new Map<string, IntlMessageFormat>();

/**
 * Fills in a message (ICU MessageFormat). The build has parsed those with placeholders (`scripts/build-review.mjs`), so that
 * the page needs no parser; in unit tests they are texts.
 */
export function format(message: string, values: Values): string {
  // The build leaves a message without placeholders as it is.
  if (typeof message === 'string' && !message.includes('{')) return message;
  const known =
    formats.get(message) ?? new IntlMessageFormat(message, locale, undefined, { ignoreTag: true });
  formats.set(message, known);
  return String(known.format(values));
}

export const say = (name: MessageName, values: Values): string => format(catalogue.messages[name], values);
