import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createError } from '../errors/errors.js';

const keras =
  'in Keras model.export("saved", format="tf_saved_model"), then python -m tf2onnx.convert --saved-model saved --output ….onnx';
const pytorch = 'export the model with its weights by torch.onnx.export';

/** Files of networks that Plainview does not run, by the end of their names, and the way from each to ONNX. */
const foreign: readonly { readonly end: RegExp; readonly is: string; readonly way: string }[] = [
  { end: /\.keras$/i, is: 'a Keras file (.keras)', way: keras },
  {
    end: /\.(h5|hdf5)$/i,
    is: 'a Keras file (.h5)',
    way: `${keras}; if it holds weights alone, build the model first`,
  },
  { end: /\.pt$/i, is: 'a PyTorch file (.pt)', way: pytorch },
  { end: /\.pth$/i, is: 'a PyTorch file (.pth)', way: pytorch },
  { end: /\.ckpt$/i, is: 'a checkpoint (.ckpt)', way: pytorch },
  {
    end: /\.safetensors$/i,
    is: 'a file of weights alone (.safetensors)',
    way: 'load it into its model, then export that by torch.onnx.export',
  },
  {
    end: /\.onnx[._]data$/i,
    is: 'the weights of an ONNX file, apart from it',
    way: 'export one file by torch.onnx.export(…, external_data=False), or onnx.save(onnx.load("….onnx"), "one-file.onnx")',
  },
  {
    end: /\.tflite$/i,
    is: 'a TensorFlow Lite file (.tflite)',
    way: 'python -m tf2onnx.convert --tflite … --output ….onnx',
  },
  {
    end: /(^|[\\/])saved_model\.pb$/i,
    is: 'a part of a SavedModel folder, and no frozen graph',
    way: 'python -m tf2onnx.convert --saved-model … --output ….onnx',
  },
];

const expected =
  'Plainview expects an ONNX file (.onnx) with its description (.json) beside it, or a frozen graph (.pb). docs/own-network.md has the recipes';

/** Refuses files of other programs by name, with the way to one that Plainview runs. @throws network_unreadable */
export async function refuseForeignFile(path: string): Promise<void> {
  const found = foreign.find(({ end }) => end.test(path));
  if (found !== undefined) throw refusal(path, found.is, found.way);
  const isFolder = await isThere(path, 'isDirectory');
  if (!isFolder) return;
  if (await isThere(join(path, 'saved_model.pb'), 'isFile'))
    throw refusal(
      path,
      'a SavedModel folder of TensorFlow',
      `python -m tf2onnx.convert --saved-model ${path} --output ${path.replace(/[\\/]+$/, '')}.onnx`,
    );
  throw createError('network_unreadable', { problem: `${path} is a folder. ${expected}` });
}

const refusal = (path: string, is: string, way: string) =>
  createError('network_unreadable', { problem: `${path} is ${is}. ${expected}. The way there: ${way}` });

const isThere = (path: string, what: 'isDirectory' | 'isFile'): Promise<boolean> =>
  stat(path).then(
    (found) => found[what](),
    () => false,
  );
