/** The class of networks that know what none of the categories looks like. */
export const otherClass = 'other';

/** `chest_pa_ap` → `Chest PA/AP`: how people say a category. */
export function spoken(category: string): string {
  if (category === otherClass || category === 'unknown_view') return 'None of these';
  const words = category
    .replace(/_pa_ap$/, ' PA/AP')
    .replace(/_(ap|pa)$/, (_, view: string) => ` ${view.toUpperCase()}`)
    .replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A softmax output; no probability, hence no percent sign. */
export const scoreText = (score: number): string =>
  score > 0 && score < 0.005 ? '< 0.01' : score.toFixed(2);

export const percent = (part: number, whole: number): string =>
  whole === 0 ? '–' : `${Math.round((100 * part) / whole)} %`;

const numbers = new Intl.NumberFormat('en');
export const count = (value: number): string => numbers.format(value);

/** DICOM's `20240131` and `120000.5` → `2024-01-31 12:00`. */
export function dicomTime(date = '', time = ''): string {
  const day = date.replace(/^(\d{4})-?(\d\d)-?(\d\d)$/, '$1-$2-$3');
  const hour = time.replace(/^(\d\d):?(\d\d).*$/, '$1:$2');
  return [day, hour].filter((part) => part !== '').join(' ');
}

/** In the reader's own time zone: `2024-01-31 12:00`. */
export function localTime(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const two = (value: number) => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

export const stateWords = {
  needs_review: 'Needs review',
  unknown_view: 'Unknown view',
  order_mismatch: 'Order mismatch',
  classification_failed: 'Failed',
  recent: 'Recent',
} as const;
export type WorklistState = keyof typeof stateWords;
export const worklistStates = [
  'needs_review',
  'unknown_view',
  'order_mismatch',
  'classification_failed',
  'recent',
] as const;
