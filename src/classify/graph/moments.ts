import type { Size } from './steps.js';

/**
 * Three numbers of each channel: its mean over the picture, and its first moments over rows and over columns, whose
 * positions are -1 … 1. A turned picture has about the same means, and other moments.
 * @param featureMaps [rows, columns, channels]
 * @returns the means of all channels, then their moments over rows, then those over columns
 */
export function momentsOf(featureMaps: Float32Array, { height, width }: Size): Float64Array {
  const places = height * width;
  const channels = featureMaps.length / places;
  const moments = new Float64Array(3 * channels);
  const add = (index: number, value: number) => {
    moments[index] = at(moments, index) + value / places;
  };
  for (let place = 0; place < places; place++) {
    const row = position(Math.floor(place / width), height);
    const column = position(place % width, width);
    for (let c = 0; c < channels; c++) {
      const value = at(featureMaps, place * channels + c);
      add(c, value);
      add(channels + c, value * row);
      add(2 * channels + c, value * column);
    }
  }
  return moments;
}

const position = (index: number, count: number): number => (count === 1 ? 0 : (2 * index) / (count - 1) - 1);

// All indices come from the lengths.
const at = (values: Float32Array | Float64Array, index: number) => values[index] as number;
