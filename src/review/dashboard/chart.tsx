import { useId } from 'preact/hooks';
import { bucketTime, count } from '../base/format.js';
import { texts } from '../texts/index.js';
import { TableScroll } from '../ui/table-scroll.js';

export interface Series<Row> {
  name: string;
  /** Selects the colour in the style sheet. */
  kind: string;
  value(row: Row): number;
}

const [width, height] = [600, 150];

/** Stacked bars over time, and the same numbers as a table. */
export function Bars<Row extends { at: string }>({
  title,
  summary,
  rows,
  bucket,
  series,
}: {
  title: string;
  summary: string;
  rows: readonly Row[];
  bucket: 'hour' | 'day';
  series: readonly Series<Row>[];
}) {
  const id = useId();
  const sums = rows.map((row) => series.reduce((sum, each) => sum + each.value(row), 0));
  const most = roundUp(Math.max(1, ...sums));
  const step = width / Math.max(rows.length, 1);
  const time = ({ at }: Row) => bucketTime(at, bucket);
  const [first, last] = [rows[0], rows.at(-1)];
  return (
    <section class="panel" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <p class="summary">{summary}</p>
      {series.length > 1 && (
        <ul class="legend">
          {series.map(({ name, kind }) => (
            <li key={kind}>
              <span class={`swatch ${kind}`} aria-hidden="true" />
              {name}
            </li>
          ))}
        </ul>
      )}
      <div class="chart">
        <span class="most">{count(most)}</span>
        <svg
          viewBox={`0 0 ${width} ${height}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={texts.chartLabel(title, summary)}
        >
          <path class="grid" d={`M0 0.5H${width}M0 ${height / 2}H${width}M0 ${height - 0.5}H${width}`} />
          {rows.map((row, index) => {
            let below = height;
            return series.map((each) => {
              const tall = (each.value(row) / most) * height;
              below -= tall;
              return (
                <rect
                  key={`${row.at} ${each.kind}`}
                  class={each.kind}
                  x={index * step + step * 0.1}
                  y={below}
                  width={step * 0.8}
                  height={tall}
                />
              );
            });
          })}
        </svg>
        <span class="ends">
          <span>{first && time(first)}</span>
          <span>{last && time(last)}</span>
        </span>
      </div>
      <details>
        <summary>{texts.chartTable}</summary>
        <TableScroll name={texts.chartTableName(title)}>
          <table>
            <thead>
              <tr>
                <th scope="col">{texts.chartBuckets[bucket]}</th>
                {series.map(({ name }) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.at}>
                  <th scope="row">{time(row)}</th>
                  {series.map((each) => (
                    <td key={each.kind}>{count(each.value(row))}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </TableScroll>
      </details>
    </section>
  );
}

/** The next round number, for the top of a scale. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((times) => times * power >= value) ?? 10) * power;
}
