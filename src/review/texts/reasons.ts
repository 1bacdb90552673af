import { locale } from '../base/language.js';
import { categoryName, inSentence } from './category-name.js';
import { errorText } from './errors.js';
import { catalogue } from './messages.js';
import { format, type Values } from './say.js';

/** What the service says, for the reader of the page: `lang` is given where it is the service's own English. */
export interface Said {
  text: string;
  lang?: 'en';
}

type Texts = { readonly [code: string]: string | undefined };
type Message = { code: string; values: Values };

/** @returns undefined where the page has no sentence for one of them: a newer service knows more */
function sayAll(messages: Texts, all: readonly Message[]): string | undefined {
  const said = all.map(({ code, values }) => {
    const message = messages[code];
    try {
      return message === undefined ? undefined : format(message, values);
    } catch {
      return undefined; // a parameter is missing
    }
  });
  return said.every((text) => text !== undefined) && said.length > 0 ? said.join(' ') : undefined;
}

const orEnglish = (text: string | undefined, english: string): Said =>
  text === undefined ? { text: english, lang: 'en' } : { text };

/** Parameters that are names of categories; empty: none of them. */
const ofCategories: readonly string[] = ['category', 'second'];

/** Why a decision was made. */
export function decisionReason({
  reason,
  because = [],
}: {
  reason: string;
  because?: readonly { code: string; params: Values }[] | undefined;
}): Said {
  const named = ([name, value]: [string, Values[string]]): [string, Values[string]] =>
    ofCategories.includes(name) && typeof value === 'string'
      ? [name, value === '' ? inSentence(null) : categoryName(value)]
      : [name, value];
  const messages = because.map(({ code, params }) => ({
    code,
    values: Object.fromEntries(Object.entries(params).map(named)),
  }));
  return orEnglish(sayAll(catalogue.reasons.decisions, messages), reason);
}

interface OrderBecause {
  code: string;
  shown?: string | undefined;
  said: readonly { attribute: string; values: readonly string[] }[];
}

const terms: Texts = catalogue.reasons.terms;
const term = (name: string): string => terms[name] ?? name;
const list = new Intl.ListFormat(locale, { type: 'conjunction' });

/** What the order check found of one aspect. */
export function orderReason({
  reason,
  because,
}: {
  reason: string;
  because?: OrderBecause | undefined;
}): Said {
  if (because === undefined) return orEnglish(undefined, reason);
  const { code, shown, said } = because;
  const statements = said.map(({ attribute, values }) =>
    format(catalogue.reasons.statement, {
      // As DICOM names it: Body Part Examined.
      attribute: attribute.replace(/(?<=[a-z])(?=[A-Z])/g, ' '),
      values: list.format(values.map(term)),
    }),
  );
  const values = { said: statements.join(', '), ...(shown === undefined ? {} : { shown: term(shown) }) };
  return orEnglish(sayAll(catalogue.reasons.order, [{ code, values }]), reason);
}

/**
 * What is wrong, as the service says it.
 * @param failure absent from older services
 */
export function failureReason(
  sentence: string,
  failure?: { code: string; message: string; params?: { readonly [name: string]: unknown } | undefined },
): Said {
  const text = failure && errorText({ ...failure, title: failure.message });
  return orEnglish(text === failure?.message ? undefined : text, sentence);
}
