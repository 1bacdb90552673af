import { codesOf, knownCategories } from '../../anatomy/categories.js';
import { categoryList, me } from '../../contract/review.js';
import { type Operation, operation } from './operation.js';

/** The caller, and the categories that a person can choose. */
export function aboutOperations(networkClasses: readonly string[]): Operation[] {
  const categories = knownCategories(networkClasses).map((name) => {
    const { bodyPartExamined, region, view, viewPosition } = codesOf(name) ?? {};
    return {
      name,
      ...(bodyPartExamined === undefined ? {} : { bodyPartExamined }),
      ...(region === undefined ? {} : { region }),
      ...(view === undefined ? {} : { view }),
      ...(viewPosition === undefined ? {} : { viewPosition }),
    };
  });
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
      handle: () => ({ categories, networkClasses: [...networkClasses] }),
    }),
  ];
}
