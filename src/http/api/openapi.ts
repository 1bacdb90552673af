import { z } from 'zod';
import { type Operation, operation } from './operation.js';

type Json = { [key: string]: unknown };

const problem = z
  .object({
    type: z.string(),
    title: z.string().describe('What is wrong, and what to do.'),
    status: z.number().int(),
    code: z.string().describe('The code in the error catalogue; it never changes.'),
  })
  .describe('RFC 9457');

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return json;
};

/** @returns the operations, and one more that serves an OpenAPI 3.1 document of all of them */
export function withDescription(operations: readonly Operation[], version: string): Operation[] {
  const own = operation({
    id: 'describeApi',
    method: 'get',
    path: '/api/v1/openapi.json',
    summary: 'This description',
    role: 'viewer',
    answer: z.looseObject({ openapi: z.string() }),
    handle: () => document,
  });
  const all = [...operations, own];
  const paths: { [path: string]: Json } = {};
  for (const each of all) {
    const methods = paths[each.path] ?? {};
    methods[each.method] = describe(each);
    paths[each.path] = methods;
  }
  const document = {
    openapi: '3.1.1',
    info: {
      title: 'Plainview',
      version,
      description: 'Body part and projection of the plain radiographs in an Orthanc.',
    },
    // Relative to the address of the document, so that it is also correct behind Orthanc or a proxy.
    servers: [{ url: '../..' }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'A token of `plainview token`, or, where PLAINVIEW_OIDC_ISSUER is set, an access or ID token (JWT) of that OpenID Connect provider.',
        },
      },
      schemas: { Problem: schemaOf(problem, 'output') },
    },
  };
  return all;
}

function describe(each: Operation): Json {
  const problemContent = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  const success =
    each.media === undefined
      ? { 'application/json': { schema: each.answer === undefined ? {} : schemaOf(each.answer, 'input') } }
      : { [each.media]: { schema: {} } };
  return {
    operationId: each.id,
    summary: each.summary,
    description: `Role: ${each.role}.`,
    parameters: [...parameters(each.params, 'path'), ...parameters(each.query, 'query')],
    ...(each.body === undefined
      ? {}
      : { requestBody: { content: { 'application/json': { schema: schemaOf(each.body, 'input') } } } }),
    responses: {
      [each.status ?? 200]: { description: 'Done', content: success },
      503: {
        description: 'Orthanc is away or failed; try again later',
        content: problemContent,
      },
      default: { description: 'An error of the catalogue', content: problemContent },
    },
  };
}

function parameters(schema: z.ZodType | undefined, place: 'path' | 'query'): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
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
