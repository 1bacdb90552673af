import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, isAbort, wordsOf } from '../api/client.js';
import { type Activation, activation } from '../api/schema.js';
import { mapStrength } from './view-state.js';

const side = 112;

/** Draws over the picture where the network saw what it takes for the category. */
export function ActivationMap({ instance, category }: { instance: string; category: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [trouble, setTrouble] = useState<string>();
  const [map, setMap] = useState<Activation>();
  useEffect(() => {
    const left = new AbortController();
    setMap(undefined);
    setTrouble(undefined);
    ask(`instances/${instance}/activation`, activation, { query: { category }, signal: left.signal }).then(
      setMap,
      (error: unknown) => isAbort(error) || setTrouble(wordsOf(error)),
    );
    return () => left.abort();
  }, [instance, category]);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    context.clearRect(0, 0, side, side);
    if (map) context.putImageData(painted(map), 0, 0);
  }, [map]);
  return (
    <>
      <canvas
        ref={canvas}
        class="map"
        width={side}
        height={side}
        data-drawn={map?.category}
        style={{ opacity: mapStrength.value }}
      />
      {trouble !== undefined && (
        <p class="map-trouble" role="alert">
          {trouble}
        </p>
      )}
    </>
  );
}

/** Weak cells are clear, strong ones red-orange to amber: distinct from grey for every kind of colour vision. */
function painted(map: Activation): ImageData {
  const image = new ImageData(side, side);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const value = smooth(map, ((x + 0.5) / side) * map.columns - 0.5, ((y + 0.5) / side) * map.rows - 0.5);
      image.data.set(
        [255, Math.round(95 + 65 * value ** 2), Math.round(20 + 30 * value ** 4), Math.round(255 * value)],
        (y * side + x) * 4,
      );
    }
  return image;
}

/** Cubic B-spline over the cells, the edge's going on outside: no star-shaped artefacts of linear interpolation. */
function smooth({ rows, columns, values }: Activation, x: number, y: number): number {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  const [across, down] = [weights(x - column), weights(y - row)];
  const at = (c: number, r: number) =>
    values[Math.min(Math.max(r, 0), rows - 1) * columns + Math.min(Math.max(c, 0), columns - 1)] ?? 0;
  let sum = 0;
  down.forEach((ofRow, r) => {
    across.forEach((ofColumn, c) => {
      sum += ofRow * ofColumn * at(column + c - 1, row + r - 1);
    });
  });
  return Math.min(Math.max(sum, 0), 1);
}

const weights = (t: number): number[] => [
  (1 - t) ** 3 / 6,
  (3 * t ** 3 - 6 * t ** 2 + 4) / 6,
  (-3 * t ** 3 + 3 * t ** 2 + 3 * t + 1) / 6,
  t ** 3 / 6,
];
