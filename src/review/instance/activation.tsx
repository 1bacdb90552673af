import { useEffect, useRef, useState } from 'preact/hooks';
import { callApi, isAbort, messageOf } from '../api/client.js';
import { type Activation, activation } from '../api/schema.js';
import { mapStrength } from './view-state.js';

const side = 112;

/** Draws over the picture where the network sees the category. */
export function ActivationMap({ instance, category }: { instance: string; category: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [error, setError] = useState<string>();
  const [map, setMap] = useState<Activation>();
  useEffect(() => {
    const unmounted = new AbortController();
    setMap(undefined);
    setError(undefined);
    callApi(`instances/${instance}/activation`, activation, {
      query: { category },
      signal: unmounted.signal,
    }).then(setMap, (caught: unknown) => isAbort(caught) || setError(messageOf(caught)));
    return () => unmounted.abort();
  }, [instance, category]);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    context.clearRect(0, 0, side, side);
    if (map) context.putImageData(paint(map), 0, 0);
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
      {error !== undefined && (
        <p class="map-error" role="alert">
          {error}
        </p>
      )}
    </>
  );
}

/** Weak cells are clear, strong ones red-orange to amber: distinct from grey for every kind of colour vision. */
function paint(map: Activation): ImageData {
  const image = new ImageData(side, side);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const value = interpolate(
        map,
        ((x + 0.5) / side) * map.columns - 0.5,
        ((y + 0.5) / side) * map.rows - 0.5,
      );
      image.data.set(
        [255, Math.round(95 + 65 * value ** 2), Math.round(20 + 30 * value ** 4), Math.round(255 * value)],
        (y * side + x) * 4,
      );
    }
  return image;
}

/** Cubic B-spline over the cells, with the cells of the edge repeated outside. Linear interpolation would show star-shaped artefacts. */
function interpolate({ rows, columns, values }: Activation, x: number, y: number): number {
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
