import { z } from 'zod';
import { entry, worklistPage } from '../../contract/review.js';
import { instanceId, studyId } from '../../orthanc/ids.js';
import type { Entries } from '../../worklist/entries.js';
import { type Worklist, worklistQuery } from '../../worklist/worklist.js';
import { type Operation, operation } from './operation.js';

export const worklistOperations = (list: Worklist, entries: Entries): Operation[] => [
  operation({
    id: 'worklist',
    method: 'get',
    path: '/api/v1/worklist',
    summary:
      'What people should look at, page by page. A page may be short, or empty, while another follows (`next`); an item may come twice, none is passed over',
    role: 'viewer',
    query: worklistQuery,
    answer: worklistPage,
    handle: ({ query }) => list.page(query),
  }),
  operation({
    id: 'instance',
    method: 'get',
    path: '/api/v1/instances/{instance}',
    summary: 'What was decided of an instance, beside what DICOM says',
    role: 'viewer',
    params: z.strictObject({ instance: instanceId }),
    answer: entry,
    handle: ({ params }) => entries.one(params.instance),
  }),
  operation({
    id: 'studyInstances',
    method: 'get',
    path: '/api/v1/studies/{study}/instances',
    summary: 'The decided instances of a study',
    role: 'viewer',
    params: z.strictObject({ study: studyId }),
    answer: z.array(entry),
    handle: ({ params }) => entries.ofStudy(params.study),
  }),
];
