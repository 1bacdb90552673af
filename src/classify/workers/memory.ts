import type { Model } from '../network.js';

/** The largest picture, where nothing else is set. */
export const defaultMegapixels = 150;

/** Of a colour picture: its file, its decoded pixels, and what libraries need beside them, the network for mirrored chests too. */
export const memoryFor = (maxMegapixels: number): number => 1_000_000_000 + 12 * 1_000_000 * maxMegapixels;

/** Of a further network: its weights, as the file, the graph and the engine have them, and its activations. */
export const memoryOf = ({ file }: Pick<Model, 'file'>): number => 200_000_000 + 6 * file.length;
