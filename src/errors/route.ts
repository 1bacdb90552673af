import type { Entries } from './entries.js';

/** Rules, and the places that they send to. */
export const routeErrors = {
  rules_invalid: {
    transient: false,
    message: (p: { file: string; problems: string[] }) =>
      `The rules in ${p.file} cannot be used: ${p.problems.join('; ')}. \`plainview rules check\` looks again.`,
  },
  route_unreachable: {
    transient: true,
    message: (p: { destination: string; why: string }) =>
      `${p.destination} takes nothing just now (${p.why}).`,
  },
  route_rejected: {
    transient: false,
    message: (p: { destination: string; why: string }) => `${p.destination} does not take this (${p.why}).`,
  },
  rules_absent: {
    transient: false,
    message: (_: object) => 'The service has no rules, so it sends nothing: set PLAINVIEW_RULES_FILE.',
  },
  destination_unknown: {
    transient: false,
    message: (p: { known: string[] }) =>
      `No rule sends there. The rules name ${p.known.join(', ') || 'no destination'}.`,
  },
} satisfies Entries;
