import type { Entries } from './entries.js';

/** What callers of the service are told; `src/http/problem.ts` gives each its status. */
export const httpErrors = {
  unauthorised: {
    transient: false,
    message: (_: object) =>
      'Who are you? A token is needed that PLAINVIEW_TOKENS_FILE declares, or the secret: PLAINVIEW_SECRET must be the same for Plainview and for Orthanc.',
  },
  forbidden: {
    transient: false,
    message: (p: { role: string }) => `This needs the role ${p.role}; ask whoever runs Plainview here.`,
  },
  other_site: {
    transient: false,
    message: (_: object) => 'A page of another site asked for this; it is refused.',
  },
  not_json: {
    transient: false,
    message: (_: object) => 'What changes something must be sent as application/json.',
  },
  too_many_requests: {
    transient: true,
    message: (_: object) =>
      'Too many requests in a minute: wait for one. PLAINVIEW_API_RATE sets how many are allowed.',
  },
  method_unknown: {
    transient: false,
    message: (p: { methods: string[] }) => `Only ${p.methods.join(', ')} can be done here.`,
  },
  request_unknown: {
    transient: false,
    message: (_: object) =>
      'No such request is remembered; what it asked for stands in the metadata of its instances.',
  },
  instance_undecided: {
    transient: false,
    message: (p: { instance: string }) =>
      `Plainview has decided nothing of instance ${p.instance}: it is no radiograph to it, or its turn has not come yet.`,
  },
  decision_changed: {
    transient: false,
    message: (_: object) =>
      'This was decided anew after you had looked at it, and nothing was changed: look again.',
  },
  nothing_to_confirm: {
    transient: false,
    message: (_: object) => 'This could not be classified, so there is nothing to confirm: say what it is.',
  },
  not_corrected: {
    transient: false,
    message: (_: object) => 'No person has decided this, so there is nothing to undo.',
  },
  category_unknown: {
    transient: false,
    message: (_: object) => 'There is no such category; GET /api/v1/categories lists them.',
  },
  cursor_unknown: {
    transient: false,
    message: (_: object) => 'The cursor is none that a page of this list gave: begin at the first page.',
  },
  busy: {
    transient: true,
    message: (_: object) => 'Too much is asked for at a time; ask again in a moment.',
  },
  page_not_built: {
    transient: false,
    message: (_: object) => 'The review page has not been built: run `npm run build`.',
  },
  request_malformed: {
    transient: false,
    message: (p: { problem: string }) => `The request cannot be understood: ${p.problem}.`,
  },
  request_too_large: {
    transient: false,
    message: (p: { limit: string }) => `The request is larger than the ${p.limit} allowed.`,
  },
  route_unknown: {
    transient: false,
    message: (_: object) => 'There is nothing at this address; the README lists what there is.',
  },
} satisfies Entries;
