import { codesOf, knownCategories } from '../../anatomy/categories.js';
import { categoryList, me } from '../../contract/review.js';
import { type Operation, operation } from './operation.js';

/**
 * The caller, and the categories that a person can choose.
 * @param classesNow those of the network in use, which can change
 */
export function aboutOperations(classesNow: () => readonly string[]): Operation[] {
  const categoryOf = (name: string) => {
    const { bodyPartExamined, region, view, viewPosition } = codesOf(name) ?? {};
    return {
      name,
      ...(bodyPartExamined === undefined ? {} : { bodyPartExamined }),
      ...(region === undefined ? {} : { region }),
      ...(view === undefined ? {} : { view }),
      ...(viewPosition === undefined ? {} : { viewPosition }),
    };
  };
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
      handle: () => {
        const networkClasses = [...classesNow()];
        return { categories: knownCategories(networkClasses).map(categoryOf), networkClasses };
      },
    }),
  ];
}
