import type { ComponentChildren } from 'preact';
import type { Figure } from '../api/quality-schema.js';
import { shareText } from '../base/format.js';
import { texts } from '../texts/index.js';
import { IntervalLine } from '../ui/interval-line.js';
import { Examples } from './examples.js';

/** Heads of the columns of `FigureCells`. */
export function FigureHeads() {
  return (
    <>
      <th scope="col">{texts.qualityShare}</th>
      <th scope="col">{texts.qualityInterval}</th>
      <th scope="col">{texts.qualityCount}</th>
      <th scope="col">{texts.qualityExamples}</th>
    </>
  );
}

/**
 * A figure in the cells of a row.
 * @param of what the examples are of
 * @param end the share at the right end of the interval's line
 * @param children after the share
 */
export function FigureCells({
  figure,
  of,
  end = 1,
  children,
}: {
  figure: Figure;
  of: string;
  end?: number;
  children?: ComponentChildren;
}) {
  const { share, low, high } = figure;
  return (
    <>
      <td>
        {shareText(share)}
        {children}
      </td>
      <td>
        {share !== null && (
          <>
            <IntervalLine
              share={share}
              low={low}
              high={high}
              end={end}
              name={texts.qualityRange(low, high)}
            />
            <span class="quiet" aria-hidden="true">
              {texts.qualityRange(low, high)}
            </span>
          </>
        )}
      </td>
      <td>{texts.qualityCounted(figure.count, figure.of)}</td>
      <td>
        <Examples figure={figure} of={of} />
      </td>
    </>
  );
}
