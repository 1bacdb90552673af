import { ifAbsent } from './absent.js';
import { contents } from './bulk.js';
import { type InstanceId, instanceId, type StudyId } from './ids.js';
import {
  created,
  type InstanceContent,
  instanceContent,
  instanceIdentity,
  lookedUp,
  seriesIdentity,
  studyIdentity,
} from './resources.js';
import type { Transport } from './transport.js';

/** What DICOM calls a study and the instances in it. */
export interface StudyIdentities {
  studyInstanceUid: string;
  instances: {
    content: InstanceContent;
    sopInstanceUid: string;
    sopClassUid: string;
    seriesInstanceUid: string;
    modality: string;
  }[];
}

/** Instances of our own: what they need to know of a study, storing and deleting them. */
export class InstanceStore {
  readonly #rest: Transport;

  constructor(rest: Transport) {
    this.#rest = rest;
  }

  /** @returns undefined where the study is gone */
  async identities(id: StudyId): Promise<StudyIdentities | undefined> {
    const [[study], series, instances] = await Promise.all([
      contents(this.#rest, studyIdentity, [id], 'Study'),
      contents(this.#rest, seriesIdentity, [id], 'Series'),
      contents(this.#rest, instanceIdentity, [id], 'Instance'),
    ]);
    if (study === undefined) return undefined;
    const above = new Map(series.map(({ ID, MainDicomTags }) => [ID, MainDicomTags]));
    return {
      studyInstanceUid: study.MainDicomTags['0020,000d'],
      instances: instances.flatMap((content) => {
        const parent = above.get(content.ParentSeries);
        const sopClassUid = content.Metadata.SopClassUid;
        // Stored or deleted between the three calls.
        if (parent === undefined || sopClassUid === undefined) return [];
        return {
          content,
          sopInstanceUid: content.MainDicomTags['0008,0018'],
          sopClassUid,
          seriesInstanceUid: parent['0020,000e'],
          modality: parent['0008,0060'],
        };
      }),
    };
  }

  /**
   * Stores a new instance in a study, with the study's and the patient's attributes. Idempotent where the attributes
   * name their SOPInstanceUID.
   * @param attributes by keyword; sequences as arrays
   */
  async create(parent: StudyId, attributes: object): Promise<InstanceId> {
    const data = { Parent: parent, Force: true, Tags: attributes };
    return (await this.#rest.json(created, { method: 'POST', url: '/tools/create-dicom', data })).ID;
  }

  /** @returns undefined where Orthanc has none of that SOPInstanceUID */
  async instanceOf(sopInstanceUid: string): Promise<InstanceId | undefined> {
    const found = await this.#rest.json(lookedUp, {
      method: 'POST',
      url: '/tools/lookup',
      data: sopInstanceUid,
      headers: { 'content-type': 'text/plain' },
    });
    const instance = found.find(({ Type }) => Type === 'Instance');
    return instance === undefined ? undefined : instanceId.parse(instance.ID);
  }

  /** Whether an instance is of that class and in that series. */
  async isIn(id: InstanceId, wanted: { sopClassUid: string; seriesInstanceUid: string }): Promise<boolean> {
    const [[instance], [series]] = await Promise.all([
      contents(this.#rest, instanceContent, [id], 'Instance'),
      contents(this.#rest, seriesIdentity, [id], 'Series'),
    ]);
    return (
      instance?.Metadata.SopClassUid === wanted.sopClassUid &&
      series?.MainDicomTags['0020,000e'] === wanted.seriesInstanceUid
    );
  }

  /** Does nothing where it is gone already. */
  async deleteInstance(id: InstanceId): Promise<void> {
    await this.#rest.call({ method: 'DELETE', url: `/instances/${id}` }).catch(ifAbsent(undefined));
  }
}
