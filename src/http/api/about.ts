import { codesOf, knownCategories } from '../../anatomy/categories.js';
import { categoryList, me } from '../../contract/review.js';
import { type Operation, operation } from './operation.js';

/** Who the caller is, and the categories that a person can choose. */
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
      method: 'get',
      path: '/api/v1/me',
      summary: 'Who asks, and what they may do',
      role: 'viewer',
      answer: me,
      handle: ({ caller }) => caller,
    }),
    operation({
      id: 'categories',
      method: 'get',
      path: '/api/v1/categories',
      summary: 'The categories, with what DICOM calls them',
      role: 'viewer',
      answer: categoryList,
      handle: () => ({ categories, networkClasses: [...networkClasses] }),
    }),
  ];
}
