import { networkReasons, reasonsIn } from '../classify/reasons.js';

/** Why a decision stands, by code: those of networks and of persons. */
export const decisionReasons = {
  ...networkReasons,
  confirmed: ({ who }: { who: string }) => `confirmed by ${who}`,
  said: ({ who }: { who: string }) => `said by ${who}`,
  copied: (_: Record<never, never>) => 'decided by a person, in the original of this copy',
  /** `category` is empty where the person said that it is none of them. */
  same_uid: ({ who, category }: { who: string; category: string }) =>
    `another picture had this SOP Instance UID, and ${who} said of it: ${category === '' ? 'none of the categories' : category}`,
};

export const reasonOf = reasonsIn(decisionReasons);
