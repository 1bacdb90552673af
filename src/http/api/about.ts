import type { z } from 'zod';
import { bodyPartOf, type Categories, projectionOf } from '../../anatomy/categories.js';
import { type BodyPart, bodyParts, type Projection, projections } from '../../anatomy/regions.js';
import { categoryList, me } from '../../contract/review.js';
import { type Operation, operation } from './operation.js';

export interface SearchWords {
  /** The words for a body part or a projection, in all languages. */
  wordsFor(means: BodyPart | Projection): readonly string[];
}

type CategoryList = z.output<typeof categoryList>;

/** The categories that a person can choose. */
export function categoryListOf(
  categories: Categories,
  networkClasses: readonly string[],
  words: SearchWords,
): CategoryList {
  return {
    categories: categories.known(networkClasses).map((name) => {
      const codes = categories.codesOf(name);
      const { bodyPartExamined, region, view, viewPosition, eponym } = codes ?? {};
      const [part, projection] = [bodyPartOf(codes), projectionOf(codes)];
      return {
        name,
        ...(bodyPartExamined === undefined ? {} : { bodyPartExamined }),
        ...(region === undefined ? {} : { region }),
        ...(view === undefined ? {} : { view }),
        ...(viewPosition === undefined ? {} : { viewPosition }),
        ...(eponym === undefined ? {} : { eponym }),
        ...(part === undefined ? {} : { part }),
        ...(projection === undefined ? {} : { projection }),
      };
    }),
    networkClasses: [...networkClasses],
    words: Object.fromEntries(
      [...bodyParts, ...projections].map((means) => [means, [...words.wordsFor(means)]]),
    ),
  };
}

/**
 * The caller, and the categories that a person can choose.
 * @param classesNow those of the network in use, which can change
 */
export function aboutOperations(
  categories: Categories,
  classesNow: () => readonly string[],
  words: SearchWords,
): Operation[] {
  return [
    operation({
      id: 'me',
      tag: 'service',
      method: 'get',
      path: '/api/v1/me',
      summary: 'The caller and its role',
      role: 'viewer',
      answer: me,
      handle: ({ caller }) => caller,
    }),
    operation({
      id: 'categories',
      tag: 'service',
      method: 'get',
      path: '/api/v1/categories',
      summary: 'The categories with their DICOM codes',
      role: 'viewer',
      answer: categoryList,
      handle: () => categoryListOf(categories, classesNow(), words),
    }),
  ];
}
