import { locale } from '../base/language.js';
import { catalogue } from './messages.js';
import { format, type Values } from './say.js';

/** An error as the service reports it; `title` is its English sentence. */
interface Reported {
  code: string;
  title: string;
  params?: { readonly [name: string]: unknown } | undefined;
}

/** The error's sentence in the reader's language; the service's own where there is none, or where a parameter is missing. */
export function errorText({ code, title, params = {} }: Reported): string {
  const message = catalogue.errors[code];
  if (message === undefined) return title;
  const values: Values = Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, valueText(value)]),
  );
  try {
    return format(message, values);
  } catch {
    // An older service, or Orthanc's plugin, does not send the parameters.
    return title;
  }
}

const valueText = (value: unknown): string =>
  Array.isArray(value)
    ? new Intl.ListFormat(locale, { type: 'unit' }).format(value.map(String))
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);
