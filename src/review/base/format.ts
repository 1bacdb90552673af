import { language } from './language.js';

const numbers = new Intl.NumberFormat(language);
export const count = (value: number): string => numbers.format(value);

const scores = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
/** A softmax output. It is not a probability, hence no percent sign. */
export const scoreText = (value: number): string =>
  value > 0 && value < 0.005 ? `< ${scores.format(0.01)}` : scores.format(value);

const percents = new Intl.NumberFormat(language, { style: 'percent' });
export const percent = (part: number, whole: number): string =>
  whole === 0 ? '–' : percents.format(part / whole);

const shares = new Intl.NumberFormat(language, {
  style: 'percent',
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
/** With a decimal, for small shares. */
export const shareText = (share: number | null): string => (share === null ? '–' : shares.format(share));

/** DICOM's `20240131` and `120000.5` → `2024-01-31 12:00`. */
export function dicomTime(date = '', time = ''): string {
  const day = date.replace(/^(\d{4})-?(\d\d)-?(\d\d)$/, '$1-$2-$3');
  const hour = time.replace(/^(\d\d):?(\d\d).*$/, '$1:$2');
  return [day, hour].filter((part) => part !== '').join(' ');
}

/** In the reader's time zone: `2024-01-31 12:00`. ISO 8601 in every language: no reader can mistake day for month. */
export function localTime(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const two = (value: number) => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

const unit = (name: 'second' | 'minute' | 'hour') => {
  const format = new Intl.NumberFormat(language, { style: 'unit', unit: name, maximumFractionDigits: 0 });
  return (value: number) => format.format(value);
};
const [asSeconds, asMinutes, asHours] = [unit('second'), unit('minute'), unit('hour')];

export function duration(seconds: number): string {
  if (seconds < 90) return asSeconds(seconds);
  if (seconds < 5400) return asMinutes(seconds / 60);
  return asHours(seconds / 3600);
}

const plurals = new Intl.PluralRules(language);
/** The form of a noun that goes with a number: `plural(1, { one: 'picture', other: 'pictures' })`. */
export const plural = (
  value: number,
  forms: { [form in Intl.LDMLPluralRule]?: string } & { other: string },
): string => forms[plurals.select(value)] ?? forms.other;
