import { codesOf, knownCategories } from '../../../anatomy/categories.js';
import { categoryList, me, type Status, status } from '../../../contract/review.js';
import { type Operation, operation } from '../operation.js';

export function aboutOperations(networkClasses: readonly string[], now: () => Status): Operation[] {
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
    operation({
      id: 'status',
      method: 'get',
      path: '/api/v1/status',
      summary: 'Network, engine, queue, sweep, and whether Orthanc answers',
      role: 'viewer',
      answer: status,
      handle: now,
    }),
  ];
}
