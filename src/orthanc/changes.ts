import { z } from 'zod';
import { hasCode } from '../errors/errors.js';
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
  /** Sequence numbers of all entries that were read. */
  numbers: number[];
  /** `since` of the next page. */
  next: number;
  done: boolean;
  /**
   * The log ends before `since`, so it is another log than the one that was read before. `Last` alone does not tell: it is
   * the end of the whole log only on an empty page, and with PostgreSQL it is the number that was written last, which is
   * lower than others where that one came late.
   */
  logIsShorter: boolean;
}

const answer = z.object({
  Changes: z.array(
    z.object({ ChangeType: z.string(), ResourceType: z.string(), ID: z.string(), Seq: z.number() }),
  ),
  Done: z.boolean(),
  Last: z.number(),
});

/**
 * Orthanc's change log. It has an entry for every stored instance and every change of metadata, but none for
 * deletions.
 */
export class Changes {
  readonly #transport: Transport;
  #canFilter = true;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * A page of the change log after `since`: stored instances, and written metadata of instances and of groups.
   * @param reads `all`: the page also counts entries of other kinds, so that a missing number is seen
   */
  async page(since: number, limit: number, reads: 'needed' | 'all' = 'needed'): Promise<ChangePage> {
    const read = (url: string) =>
      this.#transport.json(answer, { method: 'GET', url, params: { since, limit } });
    // Orthanc 1.12.7 splits the types before it decodes them, so the semicolon must not be percent-encoded.
    const filtered = `/changes?type=${Object.keys(changeKinds).join(';')}`;
    const filters = this.#canFilter && reads === 'needed';
    const page = await read(filters ? filtered : '/changes').catch((error: unknown) => {
      // Some database plugins cannot filter (Debian's PostgreSQL plugin 5.0: HTTP 400).
      if (!(filters && hasCode(error, 'orthanc_rejected'))) throw error;
      this.#canFilter = false;
      return read('/changes');
    });
    return {
      numbers: page.Changes.map(({ Seq }) => Seq),
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
      logIsShorter:
        page.Changes.length === 0 && page.Last < since && (await this.after(since - 1, 1)).length === 0,
    };
  }

  /** Entries of the change log after `since`, of every type and level. */
  async after(since: number, limit: number): Promise<{ seq: number; id: string }[]> {
    const params = { since, limit };
    const page = await this.#transport.json(answer, { method: 'GET', url: '/changes', params });
    return page.Changes.map(({ Seq, ID }) => ({ seq: Seq, id: ID }));
  }

  /** Sequence number of the newest entry; 0 where there is none. */
  async last(): Promise<number> {
    return (await this.#transport.json(answer, { method: 'GET', url: '/changes?last' })).Last;
  }
}
