import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { createError } from '../errors/errors.js';

const fraction = z.number().min(0).max(1);

/** Used by `decide`. All are scores, 0 … 1. */
const thresholds = z.object({
  threshold: fraction.describe('Least score of the best category for a category.'),
  margin: fraction.describe('Least difference between the two best scores for a category.'),
  unknownBelow: fraction.describe('Under this best score the picture counts as none of the categories.'),
});
export type Thresholds = z.infer<typeof thresholds>;

const purpose = z.enum(['research', 'clinical', 'unstated']);
export type Purpose = z.infer<typeof purpose>;

/** What the description of any network can hold. */
const common = {
  name: z
    .string()
    .min(1)
    .optional()
    .describe('Name of the network in records. Default: the name of its file.'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 digits and letters from a to f')
    .optional()
    .describe('SHA-256 of the network file, hexadecimal. Another file is then refused.'),
  purpose: purpose.default('unstated').describe('What the network may be used for.'),
  thresholds: thresholds.partial().default({}).describe('When a score is enough for a category.'),
  note: z.string().optional(),
  next: z
    .record(z.string(), z.string().min(1))
    .default({})
    .describe(
      'A cascade: which network looks next where this one gives a category. Path of its file, relative to this one. Such a network has a description of its own, without `next`.',
    ),
};

/** The optional description of a frozen graph. Unknown fields are ignored, as former versions did. */
export const graphDescription = z.object(common);

const level = z.number().min(0).max(255);
/** Of a side of the input. */
export const mostPixels = 4096;
const pixels = z.number().int().min(1).max(mostPixels);
const perChannel = z
  .union(
    [z.number(), z.array(z.number()).min(1).max(3)],
    'must be a number, or a list of one for each channel',
  )
  .transform((value) => (typeof value === 'number' ? [value] : value));
const nonZero = (values: readonly number[]) => values.every((value) => value !== 0);

/** How a picture becomes the input of an ONNX network. What is absent follows from the graph. */
const input = z.strictObject({
  name: z.string().min(1).optional().describe('Name of the input. Default: the only one of the graph.'),
  layout: z
    .enum(['NCHW', 'NHWC'])
    .optional()
    .describe(
      'Where the channels are: NCHW as PyTorch, NHWC as TensorFlow. Default: as the graph says, else NCHW.',
    ),
  size: z
    .union(
      [pixels, z.tuple([pixels, pixels])],
      'must be a number of pixels from 1 to 4096, or [height, width]',
    )
    .transform((size): { height: number; width: number } =>
      typeof size === 'number' ? { height: size, width: size } : { height: size[0], width: size[1] },
    )
    .optional()
    .describe('Pixels: one number for a square, or [height, width]. Default: as the graph says, else 224.'),
  channels: z
    .union([z.literal(1), z.literal(3)], 'must be 1 or 3')
    .optional()
    .describe(
      '1: grey; 3: red, green, blue; grey pictures have three equal channels then. Default: as the graph says, else 3.',
    ),
  range: z
    .tuple([z.number(), z.number()])
    .refine(([black, white]) => black !== white, 'must hold two different numbers')
    .default([0, 1])
    .describe('What black and white become, before `mean` and `std`: [0, 1], [-1, 1], [0, 255].'),
  mean: perChannel
    .optional()
    .describe(
      'Subtracted after `range`: one number, or one for each channel. Default: [0.485, 0.456, 0.406] (ImageNet) with three channels and the range [0, 1], else 0.',
    ),
  std: perChannel
    .refine(nonZero, 'must not be 0')
    .optional()
    .describe(
      'Divides after `mean`. Default: [0.229, 0.224, 0.225] where that is the default of `mean`, else 1.',
    ),
  resize: z
    .enum(['squash', 'letterbox', 'crop'])
    .default('crop')
    .describe(
      '`squash`: the whole picture, its aspect ratio is lost. `letterbox`: the whole picture, with bars of the level `fill`. `crop`: the middle of the picture.',
    ),
  cropShare: z
    .number()
    .gt(0)
    .max(1)
    .default(0.875)
    .describe(
      "With `crop`: share of the shorter side that is kept: 224 of 256 pixels are 0.875. timm's `crop_pct`.",
    ),
  fill: level.default(0).describe('With `letterbox`: grey level of the bars, 0 to 255.'),
  interpolation: z
    .enum(['nearest', 'bilinear', 'bicubic', 'lanczos'])
    .default('bilinear')
    .describe('Smaller pictures are smoothed by it (antialiasing), as Pillow and torchvision do.'),
});

const output = z.strictObject({
  name: z.string().min(1).optional().describe('Name of the output. Default: the only one of the graph.'),
  values: z
    .enum(['logits', 'softmax'])
    .default('logits')
    .describe(
      '`logits`: Plainview computes the softmax. `softmax`: the graph does, and its outputs add up to 1.',
    ),
});

/** The description of an ONNX network: the file beside it with `.json` in place of `.onnx`. */
export const onnxDescription = z.strictObject({
  $schema: z.string().optional(),
  ...common,
  thresholds: thresholds
    .partial()
    .strict()
    .superRefine(({ threshold = 1, unknownBelow = 0 }, context) => {
      if (unknownBelow > threshold)
        context.addIssue({
          code: 'custom',
          path: ['unknownBelow'],
          message: `must not be above threshold, which is ${threshold}: it would hold back what reaches it`,
        });
    })
    .default({})
    .describe('When a score is enough for a category.'),
  input: input.prefault({}).describe('How a picture becomes the input.'),
  output: output.prefault({}).describe('What the network answers.'),
  categories: z
    .array(z.string().min(1))
    .min(2)
    .refine((names) => new Set(names).size === names.length, 'must not name a category twice')
    .describe(
      'Names of the outputs, in their order. Names that Plainview knows have DICOM codes (docs/views.md). `other`: none of the categories.',
    ),
  views: z
    .record(z.string(), z.unknown())
    .default({})
    .describe(
      'DICOM codes of categories that Plainview does not know, as in PLAINVIEW_VIEWS_FILE (docs/views.md).',
    ),
});
export type OnnxDescription = z.output<typeof onnxDescription>;
export type GraphDescription = z.output<typeof graphDescription>;

/** The file beside a network. */
export const descriptionPath = (graph: string): string => graph.replace(/(\.pb|\.onnx)?$/i, '.json');

/**
 * @param missing what counts as the description where there is no file; absent: one is needed
 * @throws network_unreadable with each mistake and its field
 */
export async function readDescription<T extends z.ZodType>(
  graph: string,
  shape: T,
  missing?: object,
): Promise<z.output<T>> {
  const path = descriptionPath(graph);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const isMissing = error.code === 'ENOENT';
    if (isMissing && missing !== undefined) return JSON.stringify(missing);
    const problem = isMissing
      ? `${path} is not there: it must describe input, output and categories of ${graph}, as docs/own-network.md tells`
      : `${path}: ${error.message}`;
    throw createError('network_unreadable', { problem }, error);
  });
  try {
    // A byte order mark, which editors on Windows write, is white space to `trim`.
    return shape.parse(JSON.parse(text.trim()));
  } catch (error) {
    const problem = error instanceof z.ZodError ? problemsOf(error) : String(error);
    throw createError('network_unreadable', { problem: `${path}: ${problem}` }, error);
  }
}

const problemsOf = ({ issues }: z.ZodError): string =>
  issues
    .map((issue) => {
      const at = z.core.toDotPath(issue.path);
      if (issue.code === 'unrecognized_keys')
        return `there is no field ${issue.keys.map((key) => (at === '' ? key : `${at}.${key}`)).join(', ')}`;
      return `${at === '' ? '' : `${at}: `}${issue.message}`;
    })
    .join('; ');
