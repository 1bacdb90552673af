import { z } from 'zod';
import { entry, worklistPage } from '../../contract/review.js';
import { instanceId, studyId } from '../../orthanc/ids.js';
import type { Entries } from '../../worklist/entries.js';
import { type Worklist, worklistQuery } from '../../worklist/worklist.js';
import { type Operation, operation } from './operation.js';

export const worklistOperations = (list: Worklist, entries: Entries): Operation[] => [
  operation({
    id: 'worklist',
    tag: 'worklist',
    method: 'get',
    path: '/api/v1/worklist',
    summary:
      'A page of the worklist. It can be short or empty although another page follows (`next`). An item can come twice; none is missed',
    role: 'viewer',
    query: worklistQuery,
    answer: worklistPage,
    handle: ({ query }) => list.page(query),
  }),
  operation({
    id: 'instance',
    tag: 'worklist',
    method: 'get',
    path: '/api/v1/instances/{instance}',
    summary: 'The decision on an instance, with its DICOM attributes',
    role: 'viewer',
    params: z.strictObject({ instance: instanceId }),
    answer: entry,
    handle: ({ params }) => entries.one(params.instance),
  }),
  operation({
    id: 'studyInstances',
    tag: 'worklist',
    method: 'get',
    path: '/api/v1/studies/{study}/instances',
    summary: 'The decided instances of a study',
    role: 'viewer',
    params: z.strictObject({ study: studyId }),
    answer: z.array(entry),
    handle: ({ params }) => entries.ofStudy(params.study),
  }),
];
