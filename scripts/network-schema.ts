import { z } from 'zod';
import { networkViews } from '../src/anatomy/categories.js';
import { onnxDescription } from '../src/classify/description.js';

const perChannel = (number: object) => ({
  anyOf: [
    { type: 'number', ...number },
    ...[1, 3].map((count) => ({
      type: 'array',
      items: { type: 'number', ...number },
      minItems: count,
      maxItems: count,
    })),
  ],
});

/** What `refine` and the graph ask for, which zod does not put into a schema, by the field. */
const refined: Readonly<Record<string, object>> = {
  'properties/categories': { uniqueItems: true },
  'properties/input/properties/mean': perChannel({}),
  'properties/input/properties/std': perChannel({ not: { const: 0 } }),
  'properties/input/properties/range': { uniqueItems: true },
};

/** `docs/network.schema.json`: the JSON Schema of an ONNX network's description, as people write it. */
export function networkSchema(): string {
  const { views } = onnxDescription.shape;
  const whole = onnxDescription.extend({ views: networkViews.default({}).describe(views.description ?? '') });
  const schema = z.toJSONSchema(whole, {
    io: 'input',
    override: ({ jsonSchema, path }) => Object.assign(jsonSchema, refined[path.join('/')]),
  });
  return `${JSON.stringify({ ...schema, title: 'Description of an ONNX network for Plainview' }, null, 2)}\n`;
}
