import type { PlainviewError } from '../errors/errors.js';
import type { OrthancNode, OrthancRequest } from './node.js';

/** A node, and what is known of it. */
export interface Member {
  readonly node: OrthancNode;
  /** Why it is not used, by its last health check. */
  problem?: PlainviewError | undefined;
  /** `ReadOnly` in its configuration: it answers HTTP 405 or 500 to a write. */
  isReadOnly: boolean;
  /** Whether it may answer with a picture that was replaced or deleted at another node. */
  mayBeStale: boolean;
  /** Whether it answers questions by UID, and faster than those by its own identifiers. */
  isFastByUid: boolean;
  /** On the clock of `performance.now()`. */
  restsUntil: number;
  /** Its calls under way. */
  running: number;
}

/** The reads by POST. `modify` answers with a changed copy. */
const readByPost = /^\/(tools\/(find|bulk-content|lookup|count-resources)|instances\/[^/]+\/modify)$/;

export const isWrite = ({ method, url }: OrthancRequest): boolean =>
  method !== 'GET' && !(method === 'POST' && readByPost.test(url));

/** The same for all calls about one instance: its node has the parsed file in memory. Identifiers are hashes. */
const placeOf = (url: string): number =>
  Number.parseInt(/^\/instances\/([0-9a-f]{8})/.exec(url)?.[1] ?? '0', 16);

/**
 * Decides which of the nodes on one database a call goes to. It is the first of the list that answers: writers at several
 * nodes collide in the database. Calls that keep a node busy, such as renderings, go to the node with the fewest calls.
 */
export class NodeChoice {
  /** Never empty. */
  readonly members: readonly Member[];
  /** Awaited before the first choice, so that no write goes to a node that only reads. */
  ready: () => Promise<unknown> = async () => undefined;
  /** After a failed call, a node is asked only where no other one answers, for so long. */
  restMs = 5000;

  constructor(members: readonly Member[]) {
    this.members = members;
  }

  /**
   * @param isHeavy whether the call is of those that are spread
   * @param tried nodes that failed at this very call
   */
  choose(request: OrthancRequest, isHeavy: boolean, tried: ReadonlySet<Member>): Member {
    const writable = isWrite(request) ? this.members.filter(({ isReadOnly }) => !isReadOnly) : [];
    const all = writable.length > 0 ? writable : this.members;
    const isSpread = isHeavy && !all.some((each) => each.mayBeStale && this.answers(each));
    const start = isSpread ? placeOf(request.url) % all.length : 0;
    const cost = (each: Member) =>
      (each.problem === undefined ? 0 : 4e6) +
      (performance.now() < each.restsUntil ? 2e6 : 0) +
      (tried.has(each) ? 1e6 : 0) +
      (isSpread ? each.running : 0);
    return [...all.slice(start), ...all.slice(0, start)].reduce((best, other) =>
      cost(other) < cost(best) ? other : best,
    );
  }

  answers({ problem, restsUntil }: Member): boolean {
    return problem === undefined && performance.now() >= restsUntil;
  }

  /** Whether a call that waits for its turn at this node had better go to another one. */
  isOutdone(member: Member, request: OrthancRequest): boolean {
    return !this.answers(member) && this.answers(this.choose(request, false, new Set([member])));
  }

  failed(member: Member, { code }: PlainviewError): void {
    if (code === 'orthanc_unreachable' || code === 'orthanc_timeout')
      member.restsUntil = performance.now() + this.restMs;
  }
}
