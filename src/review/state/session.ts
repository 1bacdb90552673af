import { computed, signal } from '@preact/signals';
import { callApi } from '../api/client.js';
import { categoryList, type Me, me as meShape } from '../api/schema.js';
import { wordsOf } from '../base/words.js';

/** What a picture can be called. */
export interface Category {
  name: string;
  /** Whether the network in use can answer it. */
  isKnown: boolean;
  /** The body part in DICOM's words. */
  region: string;
  /** What orders call its body part and its projection, in several languages; without capitals and accents. */
  words: readonly string[];
}

export const me = signal<Me | undefined>(undefined);
/** Those that the network knows come first. */
export const categories = signal<readonly Category[]>([]);

export const mayReview = computed(() => me.value !== undefined && me.value.role !== 'viewer');
export const mayAdminister = computed(() => me.value?.role === 'admin');

/** @throws ApiError, 401 where the reader must sign in first */
export async function openSession(): Promise<void> {
  me.value = await callApi('me', meShape);
  await loadCategories();
}

/** They change with the network in use. */
export async function loadCategories(): Promise<void> {
  const list = await callApi('categories', categoryList);
  const all = list.categories.map(({ name, region, part = '', projection = '' }) => ({
    name,
    isKnown: list.networkClasses.includes(name),
    region: region?.meaning ?? '',
    words: [region?.meaning ?? '', ...(list.words[part] ?? []), ...(list.words[projection] ?? [])].flatMap(
      wordsOf,
    ),
  }));
  categories.value = [...all.filter(({ isKnown }) => isKnown), ...all.filter(({ isKnown }) => !isKnown)];
}
