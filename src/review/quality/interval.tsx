import type { Figure } from '../api/quality-schema.js';
import { texts } from '../texts/index.js';

/** The share and its interval as a line. @param end the share at its right end */
export function Interval({ figure, end = 1 }: { figure: Figure; end?: number }) {
  const { share, low, high } = figure;
  if (share === null) return null;
  const x = (value: number) => (100 * value) / end;
  return (
    <>
      <svg
        class="interval"
        viewBox="0 0 100 12"
        preserveAspectRatio="none"
        role="img"
        aria-label={texts.qualityRange(low, high)}
      >
        <path class="grid" d="M0 6H100" />
        <path class="range" d={`M${x(low)} 6H${x(high)}`} />
        <rect class="point" x={x(share) - 1} y="1" width="2" height="10" />
      </svg>
      <span class="quiet" aria-hidden="true">
        {texts.qualityRange(low, high)}
      </span>
    </>
  );
}
