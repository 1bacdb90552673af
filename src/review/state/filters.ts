import { type WorklistState, worklistStates } from '../../contract/states.js';

/** What the list is narrowed to, as it is in the address. */
export interface WorklistFilters {
  state: WorklistState;
  category?: string;
  minScore?: string;
  maxScore?: string;
  /** `2024-01-31` */
  from?: string;
  to?: string;
  station?: string;
  modality?: string;
  text?: string;
  /** What a person said: in the list of what people have settled, as the next two. */
  said?: string;
  by?: string;
  was?: string;
  /** `differs`: a second network would have decided otherwise. */
  shadow?: string;
}

export const filterNames = [
  'category',
  'minScore',
  'maxScore',
  'from',
  'to',
  'station',
  'modality',
  'text',
  'shadow',
  'said',
  'by',
  'was',
] as const;
export type FilterName = (typeof filterNames)[number];

const isScore = (text: string | undefined): boolean =>
  text === undefined || /^(0|1|0?[.]\d+|1[.]0+)$/.test(text);
const isDate = (text: string | undefined): boolean =>
  text === undefined || /^(19|2\d)\d\d-\d\d-\d\d$/.test(text);

/** The filters that the service would refuse, or that nothing can fulfil. They are marked, and not dropped. */
export function invalidIn({ minScore, maxScore, from, to, station }: Partial<WorklistFilters>): FilterName[] {
  const scores = isScore(minScore) && isScore(maxScore) && Number(minScore ?? 0) > Number(maxScore ?? 1);
  const days = isDate(from) && isDate(to) && (from ?? '') > (to ?? '9999');
  return [
    ...(isScore(minScore) && !scores ? [] : ['minScore' as const]),
    ...(isScore(maxScore) && !scores ? [] : ['maxScore' as const]),
    ...(isDate(from) && !days ? [] : ['from' as const]),
    ...(isDate(to) && !days ? [] : ['to' as const]),
    ...(/[?\\]/.test(station ?? '') ? ['station' as const] : []),
  ];
}

/** The filters for another list. What people said narrows the list of what they have settled alone. */
export function inState(
  { said, by, was, ...filters }: WorklistFilters,
  state: WorklistState,
): WorklistFilters {
  return { ...filters, ...(state === 'settled_by_person' && { said, by, was }), state };
}

export function readFilters(query: URLSearchParams): WorklistFilters {
  const state = worklistStates.find((known) => known === query.get('state')) ?? 'needs_review';
  const filters: WorklistFilters = { state };
  for (const name of filterNames) {
    const value = query.get(name);
    if (value !== null && value !== '') filters[name] = value;
  }
  return filters;
}

export function worklistHref(filters: WorklistFilters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) if (value !== '') query.set(name, value);
  return `#/?${query}`;
}
