import type { ErrorEntries } from './entry.js';

/** Rules, and the destinations that they send to. */
export const routeErrors = {
  rules_invalid: {
    message: (p: { file: string; problems: string[] }) =>
      `The rules in ${p.file} cannot be used: ${p.problems.join('; ')}. Correct the file, then run \`plainview rules check\`.`,
    transient: false,
    status: 500,
    exit: 2,
  },
  route_unreachable: {
    message: (p: { destination: string; why: string }) =>
      `${p.destination} accepts nothing at present (${p.why}). Check that it runs and that its address is right.`,
    transient: true,
    status: 503,
    exit: 1,
    meaning:
      'A destination of the rules does not answer, or fails. What Plainview must send there waits, labelled `route_pending`, and goes there later.',
  },
  route_rejected: {
    message: (p: { destination: string; why: string }) =>
      `${p.destination} refuses this instance (${p.why}). Correct the destination, then run \`plainview rules retry\`.`,
    transient: false,
    status: 503,
    exit: 1,
    meaning:
      'The destination answers, but does not take this instance. The instance is labelled `route_failed`.',
  },
  rules_absent: {
    message: (_: object) => 'The service has no rules, so it sends nothing. Set PLAINVIEW_RULES_FILE.',
    transient: false,
    status: 409,
    exit: 1,
  },
  destination_unknown: {
    message: (p: { known: string[] }) =>
      `No rule sends to this destination. The rules name ${p.known.join(', ') || 'no destination'}.`,
    transient: false,
    status: 400,
    exit: 1,
  },
} satisfies ErrorEntries;
