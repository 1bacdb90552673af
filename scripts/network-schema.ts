import { z } from 'zod';
import { networkViews } from '../src/anatomy/categories.js';
import { onnxDescription } from '../src/classify/description.js';

/** `docs/network.schema.json`: the JSON Schema of an ONNX network's description, as people write it. */
export function networkSchema(): string {
  const { views } = onnxDescription.shape;
  const whole = onnxDescription.extend({ views: networkViews.default({}).describe(views.description ?? '') });
  const schema = z.toJSONSchema(whole, { io: 'input' });
  return `${JSON.stringify({ ...schema, title: 'Description of an ONNX network for Plainview' }, null, 2)}\n`;
}
