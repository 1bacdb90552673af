import type { ApiOperation, JsonSchema } from './description.js';

export interface FuzzRequest {
  operation: ApiOperation;
  method: string;
  /** The raw request target, not normalised. */
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}

const garbage = [
  '',
  ' ',
  '0',
  '-1',
  '1e309',
  'NaN',
  'null',
  'true',
  '[]',
  '__proto__',
  'constructor',
  "' OR 1=1 --",
  '<script>alert(1)</script>',
  '../../../etc/passwd',
  '..%2f..%2fsystem',
  '%00',
  '\u0000',
  '\ud83e\ude7b',
  'ä'.repeat(300),
  'x'.repeat(5000),
  '*',
  '2024-02-30',
  '9999999999999999999999',
];
const bodies = [
  '',
  '{',
  '[1,',
  '"',
  'null',
  '[]',
  '""',
  '{"__proto__":{"x":1}}',
  `${'['.repeat(5000)}`,
  `"${'x'.repeat(300_000)}"`,
];

/** Generates requests from the API's description: valid ones, edge cases, and invalid ones. */
export class Generator {
  readonly #random: () => number;
  readonly #validTexts: readonly string[];

  /** @param validTexts texts with a meaning in the API: identifiers, categories, dates */
  constructor(random: () => number, validTexts: readonly string[]) {
    this.#random = random;
    this.#validTexts = validTexts;
  }

  request(operation: ApiOperation): FuzzRequest {
    // Rate of invalid parts. It is 0 for half of the requests.
    const invalidRate = this.#chance(0.5) ? 0 : this.#random() * 0.7;
    const given = operation.parameters.filter(
      ({ required, in: place }) =>
        place === 'path' || (required ? !this.#chance(invalidRate / 3) : this.#chance(0.4)),
    );
    let path = operation.path;
    const query: string[] = [];
    for (const { name, in: place, schema } of given) {
      const text = this.#chance(invalidRate)
        ? this.#pick(garbage)
        : textOf(this.value(schema, invalidRate / 4));
      if (place === 'path')
        path = path.replace(
          `{${name}}`,
          this.#chance(invalidRate / 4) ? raw(text) : encodeURIComponent(text),
        );
      else query.push(`${name}=${encodeURIComponent(text)}`);
    }
    if (this.#chance(invalidRate / 3))
      query.push(
        `${this.#pick(['x', 'limit', '__proto__', 'a[b]'])}=${encodeURIComponent(this.#pick(garbage))}`,
      );
    if (this.#chance(invalidRate / 6))
      path += this.#pick(['/', '/..', '/../../..', '//', '/%2e%2e/%2e%2e/health/ready', '/x'.repeat(2000)]);
    const method = this.#chance(invalidRate / 4)
      ? this.#pick(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'PROPFIND', 'TRACE'])
      : operation.method;
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (this.#chance(invalidRate / 6))
      headers['content-type'] = this.#pick([
        'text/plain',
        'application/xml',
        'application/json; charset=ebcdic',
        'multipart/form-data',
      ]);
    if (this.#chance(invalidRate / 8)) headers['content-encoding'] = this.#pick(['gzip', 'br', 'nonsense']);
    if (this.#chance(invalidRate / 6))
      headers['sec-fetch-site'] = this.#pick(['cross-site', 'same-site', 'same-origin', 'none']);
    if (this.#chance(invalidRate / 6)) headers.accept = this.#pick(['text/html', '*/*', 'nonsense']);
    return {
      operation,
      method,
      path: query.length > 0 ? `${path}?${query.join('&')}` : path,
      headers,
      body: this.#body(operation, method, invalidRate),
    };
  }

  /** A value of a schema. At each level it is invalid with a probability of `invalidRate` / 3. */
  value(schema: JsonSchema, invalidRate: number, depth = 0): unknown {
    if (this.#chance(invalidRate / 3))
      return this.#pick<unknown>([null, 0, -1, 1e300, true, [], {}, ...garbage]);
    if (schema.const !== undefined) return schema.const;
    if (schema.enum !== undefined) return this.#pick(schema.enum);
    const either = schema.anyOf ?? schema.oneOf;
    if (either !== undefined) return this.value(this.#pick(either), invalidRate, depth);
    const type = Array.isArray(schema.type) ? this.#pick(schema.type) : schema.type;
    switch (type) {
      case 'object':
        return this.#object(schema, invalidRate, depth);
      case 'array':
        return depth > 3
          ? []
          : Array.from({ length: Math.floor(this.#random() * 3) }, () =>
              this.value(schema.items ?? {}, invalidRate, depth + 1),
            );
      case 'integer':
      case 'number':
        return this.#number(schema, type === 'integer');
      case 'boolean':
        return this.#chance(0.5);
      case 'null':
        return null;
      default:
        return this.#text(schema);
    }
  }

  #object(
    { properties = {}, required = [], propertyNames, additionalProperties }: JsonSchema,
    invalidRate: number,
    depth: number,
  ): unknown {
    const made: Record<string, unknown> = {};
    for (const [name, schema] of Object.entries(properties))
      if (required.includes(name) || this.#chance(0.4))
        made[name] = this.value(schema, invalidRate, depth + 1);
    if (propertyNames !== undefined && typeof additionalProperties === 'object')
      made[this.#text(propertyNames)] = this.value(additionalProperties, invalidRate, depth + 1);
    if (this.#chance(invalidRate / 4)) made[this.#pick(garbage)] = 1;
    return made;
  }

  #number({ minimum = -1e6, exclusiveMinimum = minimum, maximum = 1e6 }: JsonSchema, whole: boolean): number {
    const lowest = Math.max(minimum, exclusiveMinimum);
    const value = this.#pick([lowest, maximum, lowest + this.#random() * Math.min(maximum - lowest, 1000)]);
    return whole ? Math.round(value) : value;
  }

  #text({ pattern, format, minLength = 0, maxLength = 64 }: JsonSchema): string {
    if (format === 'date-time') return this.#pick(this.#validTexts.filter((text) => text.endsWith('Z')));
    const fits = this.#validTexts.filter(
      (text) =>
        text.length >= minLength &&
        text.length <= maxLength &&
        (pattern === undefined || new RegExp(pattern, 'u').test(text)),
    );
    if (fits.length > 0 && this.#chance(0.8)) return this.#pick(fits);
    return 'a'.repeat(this.#chance(0.5) ? Math.max(1, minLength) : Math.min(maxLength, 300));
  }

  #body({ body }: ApiOperation, method: string, invalidRate: number): string | undefined {
    if (method === 'GET' || method === 'HEAD') return undefined;
    if (this.#chance(invalidRate / 3)) return this.#pick(bodies);
    return body === undefined ? undefined : JSON.stringify(this.value(body, invalidRate));
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.#random() * from.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '');

/** Removes characters that a request line cannot contain. Slashes and dots stay. */
const raw = (text: string): string => text.replace(/[^\x21-\x7e]|[?#]/g, '') || '..';
