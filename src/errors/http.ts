import type { ErrorEntries } from './entry.js';

/** Requests to the service. */
export const httpErrors = {
  unauthorised: {
    message: (_: object) =>
      'The request carries no valid token and no valid signature. Send a token that PLAINVIEW_TOKENS_FILE declares, or set the same PLAINVIEW_SECRET for Plainview and for Orthanc.',
    transient: false,
    status: 401,
    exit: 1,
    remedy: '`plainview token` makes a token. The service reads PLAINVIEW_TOKENS_FILE at its start.',
  },
  hook_refused: {
    message: (_: object) =>
      "A notice of Orthanc's hook was refused, because it was made with another secret. Set PLAINVIEW_SECRET to the same value for Orthanc and for Plainview, and restart both.",
    transient: false,
    status: 401,
    exit: 1,
    meaning:
      'A line of the log of the service, at most once a minute, with the address of the sender; the sender itself is answered `unauthorised`. Until then, Plainview finds new instances through the change log, some seconds later. It can also be a program that guesses.',
  },
  clocks_differ: {
    message: (p: { seconds: number }) =>
      `The request was signed ${Math.abs(p.seconds)} s ${p.seconds < 0 ? 'in the future' : 'ago'}, by the clock of Plainview, or before Plainview started. Send it again; if that does not help, set the clocks of Plainview and of Orthanc to the same time.`,
    transient: true,
    status: 401,
    exit: 1,
    meaning:
      "Orthanc's plugin and the commands sign each request. A signature is valid for 60 s, and only if it was made after the service started.",
  },
  request_replayed: {
    message: (_: object) =>
      'This signed request was received before, so it is refused. Sign each request anew.',
    transient: false,
    status: 401,
    exit: 1,
    remedy:
      'If nobody sends requests twice on purpose, find out which program between Orthanc and Plainview does.',
  },
  secret_sent: {
    message: (_: object) =>
      'The request carries the shared secret itself, as Plainview no longer does. Copy lua/plainview.lua and the plugin of this version to Orthanc, restart it, and choose a new PLAINVIEW_SECRET.',
    transient: false,
    status: 401,
    exit: 1,
    meaning:
      'The hook or the plugin in Orthanc is of an older version. It sends the secret to whatever listens.',
    remedy: 'See [install.md](install.md#upgrade).',
  },
  forbidden: {
    message: (p: { role: string }) =>
      `This needs the role ${p.role}. Ask the administrator of Plainview for it.`,
    transient: false,
    status: 403,
    exit: 1,
  },
  other_site: {
    message: (_: object) =>
      'The request comes from a page of another site, so it is refused. Send it from a page of this service, or not from a browser.',
    transient: false,
    status: 403,
    exit: 1,
  },
  drift_unknown: {
    message: (p: { station: string }) =>
      `No pictures of a station ${JSON.stringify(p.station)} were seen. \`GET /api/v1/drift\` names the stations.`,
    transient: false,
    status: 409,
    exit: 1,
  },
  not_json: {
    message: (_: object) =>
      'The request is not declared as JSON. Send it with Content-Type: application/json.',
    transient: false,
    status: 415,
    exit: 1,
  },
  too_many_requests: {
    message: (_: object) =>
      'There were too many requests within a minute; PLAINVIEW_API_RATE sets how many are allowed. Wait for a minute.',
    transient: true,
    status: 429,
    exit: 1,
    meaning:
      'Requests with a wrong token or secret have a limit of their own, for each address that they come from.',
  },
  method_unknown: {
    message: (p: { methods: string[] }) =>
      `This address does not support the method of the request. Use ${p.methods.join(', ')}.`,
    transient: false,
    status: 405,
    exit: 1,
  },
  request_unknown: {
    message: (_: object) =>
      'Plainview keeps no request with this id. Read the metadata of the instances to see what became of it.',
    transient: false,
    status: 404,
    exit: 1,
    meaning:
      'There was no request for reclassification with this id, or it ended so long ago that the service has forgotten it.',
  },
  instance_undecided: {
    message: (p: { instance: string }) =>
      `Plainview has no decision on instance ${p.instance}. Wait until it is classified; if it is a radiograph and nothing happens, check PLAINVIEW_MODALITIES.`,
    transient: false,
    status: 404,
    exit: 1,
  },
  record_of_other_version: {
    message: (p: { instance: string }) =>
      `Another version of Plainview wrote the record of instance ${p.instance}, so nothing was changed. Use that version, or a newer one.`,
    transient: false,
    status: 409,
    exit: 1,
  },
  decision_changed: {
    message: (_: object) =>
      'The decision changed after you read it, so nothing was written. Read it again, then decide.',
    transient: false,
    status: 409,
    exit: 1,
  },
  picture_replaced: {
    message: (p: { instance: string }) =>
      `Another file replaced the picture of instance ${p.instance} meanwhile, so nothing was decided about it. Look at the new picture, then decide.`,
    transient: true,
    status: 409,
    exit: 1,
    remedy: 'Nothing where the service reports it: it classifies the new picture.',
  },
  nothing_to_confirm: {
    message: (_: object) =>
      'This instance could not be classified, so there is no category to confirm. Name its category instead.',
    transient: false,
    status: 409,
    exit: 1,
  },
  not_corrected: {
    message: (_: object) => 'No person has decided on this instance, so there is nothing to undo.',
    transient: false,
    status: 409,
    exit: 1,
  },
  nothing_to_acknowledge: {
    message: (_: object) =>
      'This decision does not differ from the order, or a person has answered that already. Read it again.',
    transient: false,
    status: 409,
    exit: 1,
  },
  category_undecided: {
    message: (_: object) =>
      'The network was not sure what this picture shows, so say that first: confirm or correct its category.',
    transient: false,
    status: 409,
    exit: 1,
  },
  category_unchanged: {
    message: (_: object) =>
      'The picture already has this category, so it cannot be what is wrong. Choose the category that the picture shows; or answer that the order is wrong, or that the difference does not matter.',
    transient: false,
    status: 400,
    exit: 1,
  },
  not_proposed: {
    message: (p: { category: string }) =>
      `Nobody proposes ${p.category} for this study any more: another reviewer answered, or the label was removed in Orthanc. Read the study again.`,
    transient: false,
    status: 409,
    exit: 1,
    meaning:
      'A label of a category that somebody sets in Orthanc is a proposal until a reviewer takes or dismisses it.',
  },
  category_unknown: {
    message: (_: object) => 'There is no such category. GET /api/v1/categories lists the categories.',
    transient: false,
    status: 400,
    exit: 1,
  },
  cursor_unknown: {
    message: (_: object) => 'The cursor does not come from a page of this list. Start with the first page.',
    transient: false,
    status: 400,
    exit: 1,
  },
  busy: {
    message: (_: object) => 'Too many requests are in progress. Try again in a moment.',
    transient: true,
    status: 429,
    exit: 1,
  },
  page_not_built: {
    message: (_: object) => 'The review page is not built. Run `npm run build`.',
    transient: false,
    status: 404,
    exit: 1,
  },
  request_malformed: {
    message: (p: { problem: string }) => `The request cannot be understood: ${p.problem}.`,
    transient: false,
    status: 400,
    exit: 1,
    remedy: 'Send what `GET /api/v1/openapi.json` describes.',
  },
  request_too_large: {
    message: (p: { limit: string }) =>
      `The request is larger than the limit of ${p.limit}. Send a smaller one.`,
    transient: false,
    status: 413,
    exit: 1,
  },
  route_unknown: {
    message: (_: object) =>
      'There is nothing at this address. The README and GET /api/v1/openapi.json list the addresses.',
    transient: false,
    status: 404,
    exit: 1,
  },
} satisfies ErrorEntries;
