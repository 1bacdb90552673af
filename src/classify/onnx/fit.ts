import { createError } from '../../errors/errors.js';
import { mostPixels, type OnnxDescription } from '../description.js';

/** An input or output as the graph declares it. What is open is a name or empty. */
export interface Declared {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

export interface GraphEnds {
  readonly inputs: readonly Declared[];
  readonly outputs: readonly Declared[];
}

/** How pictures become the input, every field known. */
export interface InputForm {
  readonly name: string;
  readonly layout: 'NCHW' | 'NHWC';
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly range: readonly [number, number];
  /** One for each channel; so is `std`. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly resize: 'squash' | 'letterbox' | 'crop';
  readonly cropShare: number;
  readonly fill: number;
  readonly interpolation: 'nearest' | 'bilinear' | 'bicubic' | 'lanczos';
}

/** A description that was compared with its graph. */
export interface OnnxForm {
  readonly input: InputForm;
  readonly output: { readonly name: string; readonly values: 'logits' | 'softmax'; readonly classes: number };
  /** Most pictures of a call: 1 where the graph fixes it, else more. */
  readonly batch: 1 | 'open';
}

const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/**
 * Completes a description by what the graph says.
 * @param path for messages
 * @throws network_layer, network_mismatch, network_unsupported where they do not fit each other
 */
export function formOf(
  path: string,
  ends: GraphEnds,
  description: Pick<OnnxDescription, 'input' | 'output'>,
): OnnxForm {
  const refuse = (problem: string) => createError('network_mismatch', { problem: `${path}: ${problem}` });
  if (ends.inputs.length > 1)
    throw refuse(
      `the graph has the inputs ${namesOf(ends.inputs)}, and a picture is one input: export it with that one alone`,
    );
  const input = endOf(ends.inputs, description.input.name, 'input');
  const output = endOf(ends.outputs, description.output.name, 'output');
  for (const { name, type } of [input, output])
    if (type !== 'float32')
      throw refuse(`"${name}" of the graph has the type ${type}, not float32: export it in float32`);
  if (input.shape.length !== 4)
    throw refuse(
      `the input "${input.name}" of the graph has the shape ${shapeText(input)}; a picture has four axes: [N, channels, height, width] or [N, height, width, channels]`,
    );
  const [pictures] = input.shape;
  if (typeof pictures === 'number' && pictures > 1)
    throw refuse(
      `the input "${input.name}" of the graph always takes ${pictures} pictures ${shapeText(input)}: export it for one, or leave that axis open`,
    );
  return {
    input: inputForm(input, description.input, refuse),
    output: {
      name: output.name,
      values: description.output.values,
      classes: classesOf(output, refuse),
    },
    batch: typeof pictures === 'number' ? 1 : 'open',
  };
}

type Refuse = (problem: string) => Error;

function endOf(declared: readonly Declared[], name: string | undefined, what: 'input' | 'output'): Declared {
  const [only] = declared;
  const found =
    name === undefined
      ? declared.length === 1
        ? only
        : undefined
      : declared.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw createError('network_layer', {
    layer: name ?? what,
    problem:
      name === undefined
        ? `the graph has the ${what}s ${namesOf(declared)}: \`${what}.name\` in the description must name one`
        : `the graph has no such ${what}; it has ${namesOf(declared)}`,
  });
}

function inputForm(declared: Declared, given: OnnxDescription['input'], refuse: Refuse): InputForm {
  const { range, resize, cropShare, fill, interpolation } = given;
  const layout = given.layout ?? layoutOf(declared);
  const [, ...rest] = declared.shape;
  const [channelsAxis, heightAxis, widthAxis] = layout === 'NCHW' ? rest : [rest[2], rest[0], rest[1]];
  const agreed = (
    what: string,
    axis: number | string | undefined,
    described: number | undefined,
    otherwise: number,
  ) => {
    const fixed = typeof axis === 'number' && axis > 0 ? axis : undefined;
    if (fixed !== undefined && described !== undefined && fixed !== described)
      throw refuse(
        `the graph's input "${declared.name}" is ${shapeText(declared)} (${layout}): its ${what} is ${fixed}, and the description says ${described}`,
      );
    if (fixed !== undefined && fixed > mostPixels)
      throw refuse(
        `the graph's input "${declared.name}" is ${shapeText(declared)} (${layout}): its ${what} is ${fixed}, and at most ${mostPixels} are possible`,
      );
    return fixed ?? described ?? otherwise;
  };
  const channels = agreed('number of channels', channelsAxis, given.channels, 3);
  if (channels !== 1 && channels !== 3)
    throw refuse(
      `the graph's input "${declared.name}" is ${shapeText(declared)}: with the layout ${layout} it has ${channels} channels, and a picture has 1 or 3. Check \`input.layout\``,
    );
  const isImageNet = channels === 3 && range[0] === 0 && range[1] === 1;
  const each = (what: 'mean' | 'std', values: readonly number[] | undefined, otherwise: number) => {
    const all = values ?? (isImageNet ? imageNet[what] : [otherwise]);
    if (all.length !== 1 && all.length !== channels)
      throw refuse(`\`input.${what}\` has ${all.length} values, and the input has ${channels} channels`);
    return Array.from({ length: channels }, (_, c) => all[c] ?? all[0] ?? otherwise);
  };
  // Each has a default of its own, which fits the other's only.
  if (isImageNet && (given.mean === undefined) !== (given.std === undefined))
    throw refuse(
      'the description has only one of `input.mean` and `input.std`: give both, or none for those of ImageNet',
    );
  return {
    name: declared.name,
    layout,
    height: agreed('height', heightAxis, given.size?.height, 224),
    width: agreed('width', widthAxis, given.size?.width, 224),
    channels,
    range,
    mean: each('mean', given.mean, 0),
    std: each('std', given.std, 1),
    resize,
    cropShare,
    fill,
    interpolation,
  };
}

/** By where the graph has 1 or 3 channels. */
function layoutOf({ shape: [, first, , last] }: Declared): 'NCHW' | 'NHWC' {
  const isChannels = (axis: number | string | undefined) => axis === 1 || axis === 3;
  return isChannels(last) && !isChannels(first) ? 'NHWC' : 'NCHW';
}

function classesOf(output: Declared, refuse: Refuse): number {
  const [, ...rest] = output.shape;
  const [classes, ...more] = rest;
  // Some exports keep axes of length 1.
  if (rest.length === 0 || more.some((axis) => axis !== 1))
    throw refuse(
      `the output "${output.name}" of the graph has the shape ${shapeText(output)}; a classifier's is [N, categories]`,
    );
  if (typeof classes !== 'number' || classes < 1)
    throw refuse(
      `the output "${output.name}" of the graph has the shape ${shapeText(output)}: the number of categories is open, so it cannot be compared with the description; export it with a fixed one`,
    );
  return classes;
}

const namesOf = (declared: readonly Declared[]) => declared.map(({ name }) => `"${name}"`).join(', ');
export const shapeText = ({ shape }: Declared): string =>
  `[${shape.map((axis) => (typeof axis === 'string' ? axis || '?' : axis < 0 ? '?' : axis)).join(', ')}]`;
