import { z } from 'zod';

/** The parts of JSON Schema that the API's description uses. */
export interface JsonSchema {
  type?: string | string[];
  format?: string;
  pattern?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  propertyNames?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
}

const schema = z.custom<JsonSchema>((value) => typeof value === 'object' && value !== null);
const content = z.record(z.string(), z.object({ schema }));

/** The parts of an OpenAPI document that are needed to make requests and check responses. */
export const description = z.object({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        operationId: z.string(),
        parameters: z
          .array(z.object({ name: z.string(), in: z.enum(['path', 'query']), required: z.boolean(), schema }))
          .default([]),
        requestBody: z.object({ content }).optional(),
        responses: z.record(z.string(), z.object({ content: content.optional() })),
      }),
    ),
  ),
});

export interface ApiOperation {
  id: string;
  method: string;
  path: string;
  parameters: { name: string; in: 'path' | 'query'; required: boolean; schema: JsonSchema }[];
  body: JsonSchema | undefined;
  /** Status → media type → schema. */
  responses: Record<string, Record<string, { schema: JsonSchema }>>;
}

/** Puts what is referred to by `$ref` in its place. Nothing in the description refers to itself. */
function dereferenced(value: unknown, document: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => dereferenced(each, document));
  if (typeof value !== 'object' || value === null) return value;
  const { $ref, ...own } = value as Record<string, unknown>;
  const target = typeof $ref === 'string' ? dereferenced(targetOf($ref, document), document) : {};
  const rest = Object.entries(own).map(([key, each]) => [key, dereferenced(each, document)]);
  return { ...(target as object), ...Object.fromEntries(rest) };
}

const targetOf = (ref: string, document: unknown): unknown =>
  ref
    .split('/')
    .slice(1)
    .reduce((inside, key) => (inside as Record<string, unknown>)[key], document);

export const operationsOf = (document: unknown): ApiOperation[] =>
  Object.entries(description.parse(dereferenced(document, document)).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, parameters, requestBody, responses }]) => ({
      id: operationId,
      method: method.toUpperCase(),
      path,
      parameters,
      body: requestBody?.content['application/json']?.schema,
      responses: Object.fromEntries(
        Object.entries(responses).map(([status, { content: of = {} }]) => [status, of]),
      ),
    })),
  );
