import pMap from 'p-map';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Caller } from '../../access/caller.js';
import type { Config } from '../../config/options.js';
import { type ConfirmationResults, confirmationResults, grid } from '../../contract/confirmations.js';
import { confirmedUnordered, unconfirmed } from '../../decisions/correction.js';
import { openStatesOf } from '../../decisions/open-states.js';
import type { InstanceRecord } from '../../decisions/schema.js';
import { asPlainviewError, hasCode } from '../../errors/errors.js';
import { instanceId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import { gridOf, gridQuery } from '../../worklist/grid.js';
import { of, picture } from './corrections.js';
import { type Operation, operation } from './operation.js';
import { giveVerdict, requireSeen, type VerdictParts } from './verdict.js';

interface Parts extends VerdictParts {
  orthanc: Orthanc;
  config: Pick<Config, 'labelPrefix'>;
  log: Logger;
}

/** Pictures of one request: a slow machine must answer before Orthanc's plugin gives up. */
const mostTogether = 50;
/** Decisions that are written at a time, so that other work still gets its turn. */
const atATime = 4;

const seen = z.strictObject({ instance: instanceId, of, picture });
type SeenPicture = z.output<typeof seen>;
const body = z.strictObject({ pictures: z.array(seen).min(1).max(mostTogether) });

/** Many pictures of one category, confirmed together. */
export function confirmationOperations(parts: Parts): Operation[] {
  const { orthanc, config, audit, log } = parts;
  /** Each picture is decided on its own: a refusal, or an end of the service, leaves the others as they are. */
  const each = async (
    pictures: readonly SeenPicture[],
    decide: (picture: SeenPicture) => Promise<InstanceRecord | undefined>,
  ): Promise<ConfirmationResults> => {
    const one = async (picture: SeenPicture): Promise<ConfirmationResults['results'][number]> => {
      const { instance } = picture;
      try {
        const record = await decide(picture);
        return { instance, outcome: 'done', ...(record === undefined ? {} : { open: openStatesOf(record) }) };
      } catch (caught) {
        const error = asPlainviewError(caught);
        const { status, code, message: title, params } = error;
        if (status >= 500)
          log[status === 503 ? 'warn' : 'error']({ err: error, instance }, 'one of many decisions failed');
        return { instance, outcome: 'refused', problem: { code, title, params } };
      }
    };
    return { results: await pMap(pictures, one, { concurrency: atATime }) };
  };
  const confirm = (picture: SeenPicture, caller: Caller) =>
    giveVerdict(parts, { ...picture, caller }, 'confirm', (current, shown, by) => {
      requireSeen(picture, current, shown);
      return confirmedUnordered(current, by);
    });
  /** Where the network's decision stands again, an undo that is sent again writes nothing. */
  const undo = ({ instance, of }: SeenPicture, caller: Caller) =>
    giveVerdict(parts, { instance, caller }, 'undo', (current, _shown, { who }) =>
      unconfirmed(current, { of, who }),
    ).catch((error: unknown) => {
      if (hasCode(error, 'not_corrected')) return undefined;
      throw error;
    });
  return [
    operation({
      id: 'grid',
      tag: 'worklist',
      method: 'get',
      path: '/api/v1/worklist/grid',
      summary:
        'Pictures of one category that no person has looked at, the most doubtful first, for `confirmTogether`. It looks through the last 2000 received from `since` on',
      role: 'viewer',
      query: gridQuery,
      answer: grid,
      handle: async ({ query, caller }) => {
        const found = await gridOf(orthanc, config.labelPrefix, query);
        const { since: _, limit: __, ...filter } = query;
        const detail = { entries: found.pictures.length, filter: { ...filter, as: 'grid' } };
        void audit({ caller, action: 'list', target: 'worklist', detail });
        return found;
      },
    }),
    operation({
      id: 'confirmTogether',
      tag: 'decisions',
      method: 'post',
      path: '/api/v1/confirmations',
      summary:
        "A person confirms the network's category of each of these pictures. Each is confirmed or refused on its own. A difference from the order stays open",
      role: 'reviewer',
      body,
      answer: confirmationResults,
      handle: ({ body: { pictures }, caller }) => each(pictures, (picture) => confirm(picture, caller)),
    }),
    operation({
      id: 'undoTogether',
      tag: 'decisions',
      method: 'post',
      path: '/api/v1/confirmations/undo',
      summary:
        'Takes back what `confirmTogether` with the same body did, also where its answer was lost. A picture of which somebody has said something since is refused. It can be sent again',
      role: 'reviewer',
      body,
      answer: confirmationResults,
      handle: ({ body: { pictures }, caller }) => each(pictures, (picture) => undo(picture, caller)),
    }),
  ];
}
