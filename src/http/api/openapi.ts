import { z } from 'zod';
import { webhookMessages } from '../../contract/webhooks.js';
import { type Operation, operation, tags } from './operation.js';

type Json = { [key: string]: unknown };

const problem = z
  .object({
    type: z.string(),
    title: z.string().describe('What is wrong, and what to do.'),
    status: z.number().int(),
    code: z.string().describe('The code in the error catalogue; it never changes.'),
    params: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('What `title` names, for a sentence in another language.'),
  })
  .describe('RFC 9457');

/** Where an error of the catalogue is described, by its HTTP status. */
const problems = {
  400: 'The request is not as described; `title` names what is wrong',
  401: 'No valid token',
  403: 'The role is not sufficient, or the request comes from a page of another site',
  404: 'There is no such resource, or no decision on it',
  409: 'What the request is about has changed, or does not allow it; read it again',
  413: 'The body is too large',
  415: 'The body is not declared as JSON',
  422: 'Orthanc has the resource, and what is asked for cannot be done with it',
  429: 'Too many requests; wait for as long as `Retry-After` says',
  500: 'A fault of Plainview; its log says more',
  503: 'Orthanc or a part of Plainview is away; try again later',
};
type ProblemStatus = keyof typeof problems;

/** The statuses of errors that an operation can answer, apart from those of another address or method. */
function problemsOf({ role, method, params }: Operation): ProblemStatus[] {
  const changes = method !== 'get';
  const some: [boolean, ProblemStatus][] = [
    [role !== 'viewer' || changes, 403],
    [params !== undefined, 404],
    [changes, 409],
    [changes, 413],
    [method === 'post' || method === 'put', 415],
    [params !== undefined || changes, 422],
  ];
  const often: ProblemStatus[] = [400, 401, 429, 500, 503];
  return [...often, ...some.flatMap(([isPossible, status]) => (isPossible ? [status] : []))];
}

/** Schemas that have a name, by it. */
type NamedSchemas = { [name: string]: unknown };

/** Turns a schema into JSON Schema. Those with a name are collected in `named`, and referred to. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', named: NamedSchemas): Json {
  const { $schema: _, $defs = {}, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  Object.assign(named, $defs);
  return JSON.parse(JSON.stringify(json).replaceAll('"#/$defs/', '"#/components/schemas/'));
}

/** What Plainview sends to the webhooks of the rules. */
const webhooks = (named: NamedSchemas): Json =>
  Object.fromEntries(
    Object.entries(webhookMessages).map(([type, message]) => [
      type,
      {
        post: {
          operationId: type.replace(/[._](\w)/g, (_, letter: string) => letter.toUpperCase()),
          summary: 'A rule of PLAINVIEW_RULES_FILE applied, and its `do` names the webhook',
          description:
            'Signed as in the Standard Webhooks specification 1.0.0: HMAC-SHA256 over id, time and body. A message that is sent again has the same `webhook-id`.',
          security: [],
          parameters: ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => ({
            name,
            in: 'header',
            required: true,
            schema: { type: 'string' },
          })),
          requestBody: requestBody(message, named),
          responses: {
            '2XX': { description: 'Accepted' },
            '4XX': {
              description:
                'Refused for good: the route failed. After 401, 403, 404, 405, 407, 408, 409, 421, 423, 425 and 429 it is sent again',
            },
            '5XX': { description: 'It is sent again later' },
          },
        },
      },
    ]),
  );

/** @returns the operations, and one more that serves an OpenAPI 3.1 document of all of them */
export function withDescription(operations: readonly Operation[], version: string): Operation[] {
  // Made when it is first asked for: no other part of a start takes as long.
  let document: ReturnType<typeof documentOf> | undefined;
  const own = operation({
    id: 'describeApi',
    tag: 'service',
    method: 'get',
    path: '/api/v1/openapi.json',
    summary: 'This description',
    role: 'viewer',
    answer: z.looseObject({ openapi: z.string() }),
    handle: () => {
      document ??= documentOf(all, version);
      return document;
    },
  });
  const all = [...operations, own];
  return all;
}

function documentOf(all: readonly Operation[], version: string) {
  const named: NamedSchemas = {};
  const paths: { [path: string]: Json } = {};
  for (const each of all) {
    const methods = paths[each.path] ?? {};
    methods[each.method] = describe(each, named);
    paths[each.path] = methods;
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Plainview',
      version,
      description: 'Body part and projection of the plain radiographs in an Orthanc.',
      contact: { name: 'The administrator of this Plainview' },
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    // Relative to the address of the document, so that it is also correct behind Orthanc or a proxy.
    servers: [{ url: '../..' }],
    security: [{ bearer: [] }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    webhooks: webhooks(named),
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'A token of `plainview token`, or, where PLAINVIEW_OIDC_ISSUER is set, an access or ID token (JWT) of that OpenID Connect provider.',
        },
      },
      schemas: { Problem: schemaOf(problem, 'output', named), ...named },
      responses: Object.fromEntries(
        Object.entries(problems).map(([status, description]) => [
          `Problem${status}`,
          { description, content: problemContent },
        ]),
      ),
    },
  };
}

const problemContent = {
  'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
};

function describe(each: Operation, named: NamedSchemas): Json {
  const success =
    each.media === undefined
      ? {
          'application/json': {
            schema: each.answer === undefined ? {} : schemaOf(each.answer, 'input', named),
          },
        }
      : { [each.media]: { schema: {} } };
  return {
    operationId: each.id,
    tags: [each.tag],
    summary: each.summary,
    description: `Role: ${each.role}.`,
    parameters: [...parameters(each.params, 'path', named), ...parameters(each.query, 'query', named)],
    ...(each.body === undefined ? {} : { requestBody: requestBody(each.body, named) }),
    responses: {
      [each.status ?? 200]: { description: 'Done', content: success },
      ...Object.fromEntries(
        problemsOf(each).map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]),
      ),
    },
  };
}

const requestBody = (schema: z.ZodType, named: NamedSchemas): Json => ({
  required: !schema.safeParse(undefined).success,
  content: { 'application/json': { schema: schemaOf(schema, 'input', named) } },
});

function parameters(schema: z.ZodType | undefined, place: 'path' | 'query', named: NamedSchemas): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input', named) as {
    properties?: { [name: string]: Json };
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: property,
  }));
}
