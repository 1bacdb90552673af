import { computed, signal } from '@preact/signals';
import { callApi } from '../api/client.js';
import { categories as categoriesShape, type Me, me as meShape } from '../api/schema.js';

export const me = signal<Me | undefined>(undefined);
/** What a picture can be called, in the network's order. */
export const categories = signal<readonly string[]>([]);

export const mayReview = computed(() => me.value !== undefined && me.value.role !== 'viewer');
export const mayAdminister = computed(() => me.value?.role === 'admin');

/** @throws ApiError, 401 where the reader must sign in first */
export async function openSession(): Promise<void> {
  me.value = await callApi('me', meShape);
  await loadCategories();
}

/** They change with the network in use. */
export async function loadCategories(): Promise<void> {
  const list = await callApi('categories', categoriesShape);
  categories.value = list.categories.map(({ name }) => name);
}
