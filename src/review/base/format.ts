import { locale } from './language.js';

const numbers = new Intl.NumberFormat(locale);
export const count = (value: number): string => numbers.format(value);

const scores = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
/** A softmax output. It is not a probability, hence no percent sign. */
export const scoreText = (value: number): string =>
  value > 0 && value < 0.005 ? `< ${scores.format(0.01)}` : scores.format(value);

const thousandths = new Intl.NumberFormat(locale, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
/** Of a statistical test. */
export const pValue = (p: number): string =>
  p < 0.001 ? `< ${thousandths.format(0.001)}` : thousandths.format(p);

const percents = new Intl.NumberFormat(locale, { style: 'percent' });
export const percent = (part: number, whole: number): string =>
  whole === 0 ? '–' : percents.format(part / whole);

const shares = new Intl.NumberFormat(locale, {
  style: 'percent',
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
/** With a decimal, for small shares. */
export const shareText = (share: number | null): string => (share === null ? '–' : shares.format(share));

/** The month as a word, or the day before it with points: no reader can mistake day for month. */
const medium = { dateStyle: 'medium' } as const;
const short = { ...medium, timeStyle: 'short' } as const;
const local = new Intl.DateTimeFormat(locale, short);
/** DICOM's times have no time zone: they are shown as they are. */
const dicomDays = new Intl.DateTimeFormat(locale, { ...medium, timeZone: 'UTC' });
const dicomTimes = new Intl.DateTimeFormat(locale, { ...short, timeZone: 'UTC' });

/** DICOM's `20240131` and `120000.5`. What is no date is shown as it is. */
export function dicomTime(date = '', time = ''): string {
  const day = /^(\d{4})-?(\d\d)-?(\d\d)$/.exec(date)?.slice(1).join('-');
  const hour = /^(\d\d):?(\d\d)/.exec(time)?.slice(1).join(':');
  const at = new Date(`${day}T${hour ?? '00:00'}Z`);
  if (Number.isNaN(at.getTime())) return [date, time].filter((part) => part !== '').join(' ');
  return (hour === undefined ? dicomDays : dicomTimes).format(at);
}

/** In the reader's time zone. */
export function localTime(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso : local.format(at);
}

const hours = new Intl.DateTimeFormat(locale, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});
/** Where a bar of a chart begins: hours in the reader's time zone, days as the service counts them. */
export const bucketTime = (iso: string, bucket: 'hour' | 'day'): string =>
  (bucket === 'hour' ? hours : dicomDays).format(new Date(iso));

const unit = (name: 'second' | 'minute' | 'hour') => {
  const format = new Intl.NumberFormat(locale, { style: 'unit', unit: name, maximumFractionDigits: 0 });
  return (value: number) => format.format(value);
};
const [asSeconds, asMinutes, asHours] = [unit('second'), unit('minute'), unit('hour')];

export function duration(seconds: number): string {
  if (seconds < 90) return asSeconds(seconds);
  if (seconds < 5400) return asMinutes(seconds / 60);
  return asHours(seconds / 3600);
}
