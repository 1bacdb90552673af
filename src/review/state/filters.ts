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
] as const;

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
