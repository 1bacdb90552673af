/** A share and its interval as a line. All values are shares. @param end the share at its right end */
export function IntervalLine({
  share,
  low,
  high,
  end,
  name,
}: {
  share: number;
  low: number;
  high: number;
  end: number;
  name: string;
}) {
  const x = (value: number) => (100 * value) / end;
  return (
    <svg class="interval" viewBox="0 0 100 12" preserveAspectRatio="none" role="img" aria-label={name}>
      <path class="grid" d="M0 6H100" />
      <path class="range" d={`M${x(low)} 6H${x(high)}`} />
      <rect class="point" x={x(share) - 1} y="1" width="2" height="10" />
    </svg>
  );
}
