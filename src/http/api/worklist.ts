import { z } from 'zod';
import type { Audit } from '../../access/audit.js';
import type { Config } from '../../config/options.js';
import { entry, worklistPage } from '../../contract/review.js';
import { instanceId, studyId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { Entries } from '../../worklist/entries.js';
import { mostOfPatient, ofPatient, patientQuery } from '../../worklist/patient.js';
import { type Worklist, type WorklistQuery, worklistQuery } from '../../worklist/worklist.js';
import { type Operation, operation } from './operation.js';

/** A filter as the audit trail has it: of the texts that a person has typed, which may name a patient, only the names. */
const filterOf = ({ station, text, by, cursor: _, limit: __, ...filter }: WorklistQuery) => {
  const words = Object.entries({ station, text, by }).flatMap(([name, word]) =>
    word === undefined ? [] : [name],
  );
  return { filter, ...(words.length > 0 ? { words } : {}) };
};

interface Parts {
  list: Worklist;
  entries: Entries;
  orthanc: Orthanc;
  config: Pick<Config, 'modalities'>;
  audit: Audit;
}

export const worklistOperations = ({ list, entries, orthanc, config, audit }: Parts): Operation[] => [
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
    handle: async ({ query, caller }) => {
      const page = await list.page(query);
      const detail = { entries: page.items.length, ...filterOf(query) };
      void audit({ caller, action: 'list', target: 'worklist', detail });
      return page;
    },
  }),
  operation({
    id: 'patientInstances',
    tag: 'worklist',
    // With a body: an address is logged by many programs on the way.
    method: 'post',
    path: '/api/v1/worklist/patient',
    summary: `The decided radiographs of one patient, the latest study first, at most ${mostOfPatient}. The Patient ID is in the body, so that no log has it`,
    role: 'reviewer',
    body: patientQuery,
    answer: z.object({ items: z.array(entry) }),
    handle: async ({ body: { patientId }, caller }) => {
      const items = await ofPatient(orthanc, entries, config.modalities, patientId);
      const detail = { entries: items.length, words: ['patientId'] };
      void audit({ caller, action: 'list', target: 'worklist', detail });
      return { items };
    },
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
    handle: async ({ params: { instance }, caller }) => {
      const found = await entries.one(instance);
      void audit({ caller, action: 'view', target: `instances/${instance}`, detail: { as: 'decision' } });
      return found;
    },
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
    handle: async ({ params: { study }, caller }) => {
      const found = await entries.ofStudy(study);
      void audit({ caller, action: 'list', target: `studies/${study}`, detail: { entries: found.length } });
      return found;
    },
  }),
];
