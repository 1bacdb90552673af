import { z } from 'zod';
import { PlainviewError } from '../errors/errors.js';
import { type GroupId, type GroupLevel, groupId, groupLevel, type InstanceId, instanceId } from './ids.js';
import type { Transport } from './transport.js';

export interface Change {
  id: InstanceId;
  seq: number;
  kind: 'stored' | 'metadata';
}

/** Metadata of a series, study or patient was written. */
export interface GroupChange {
  id: GroupId;
  level: GroupLevel;
  seq: number;
}

const changeKinds: Readonly<Record<string, Change['kind']>> = {
  NewInstance: 'stored',
  UpdatedMetadata: 'metadata',
};

export interface ChangePage {
  changes: Change[];
  groups: GroupChange[];
  /** `since` of the next page. */
  next: number;
  done: boolean;
  /** The log ends before `since`: it is not the log that was read before. */
  logIsShorter: boolean;
}

const answer = z.object({
  Changes: z.array(
    z.object({ ChangeType: z.string(), ResourceType: z.string(), ID: z.string(), Seq: z.number() }),
  ),
  Done: z.boolean(),
  Last: z.number(),
});

/** Orthanc's change log, in which every stored instance and every change of metadata leaves an entry; no deletion does. */
export class Changes {
  readonly #transport: Transport;
  #filters = true;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** A page of the change log after `since`: instances stored, and instances whose metadata was written. */
  async page(since: number, limit: number): Promise<ChangePage> {
    const read = (url: string) =>
      this.#transport.json(answer, { method: 'GET', url, params: { since, limit } });
    // Orthanc 1.12.7 splits the kinds before it decodes them, so the semicolon must reach it as it is.
    const filtered = `/changes?type=${Object.keys(changeKinds).join(';')}`;
    const page = await read(this.#filters ? filtered : '/changes').catch((error: unknown) => {
      // Some database plugins cannot filter (Debian's PostgreSQL plugin 5.0 answers 400).
      if (!(this.#filters && error instanceof PlainviewError && error.code === 'orthanc_rejected'))
        throw error;
      this.#filters = false;
      return read('/changes');
    });
    return {
      changes: page.Changes.flatMap(({ ChangeType, ResourceType, ID, Seq }) => {
        const kind = changeKinds[ChangeType];
        return kind === undefined || ResourceType !== 'Instance'
          ? []
          : [{ id: instanceId.parse(ID), seq: Seq, kind }];
      }),
      next: page.Changes.at(-1)?.Seq ?? since,
      done: page.Done,
      groups: page.Changes.flatMap(({ ChangeType, ResourceType, ID, Seq }) => {
        const level = groupLevel.safeParse(ResourceType);
        return ChangeType === 'UpdatedMetadata' && level.success
          ? [{ id: groupId.parse(ID), level: level.data, seq: Seq }]
          : [];
      }),
      // Only an empty page gives the last number of the whole log; any other gives its own.
      logIsShorter: page.Changes.length === 0 && page.Last < since,
    };
  }

  /** Entries of the change log after `since`, of any kind and any resource. */
  async after(since: number, limit: number): Promise<{ seq: number; id: string }[]> {
    const params = { since, limit };
    const page = await this.#transport.json(answer, { method: 'GET', url: '/changes', params });
    return page.Changes.map(({ Seq, ID }) => ({ seq: Seq, id: ID }));
  }

  /** The number of the newest entry; 0 where there is none. */
  async last(): Promise<number> {
    return (await this.#transport.json(answer, { method: 'GET', url: '/changes?last' })).Last;
  }
}
