import { type Figure, figureNames, type Group } from '../api/quality-schema.js';
import { texts } from '../texts/index.js';
import { TableScroll } from '../ui/table-scroll.js';
import { FigureCells, FigureHeads } from './figure-cells.js';

/** The figures of the whole archive. */
export function Figures({ all }: { all: Group }) {
  return (
    <section class="panel wide" aria-labelledby="quality-figures">
      <h2 id="quality-figures">{texts.qualityCount}</h2>
      <TableScroll name={texts.qualityTitle}>
        <table>
          <thead>
            <tr>
              <td />
              <FigureHeads />
            </tr>
          </thead>
          <tbody>
            {figureNames.map((name) => {
              const figure = all.figures[name];
              const oneIn = oneInOf(figure);
              return (
                <tr key={name}>
                  <th scope="row">{texts.qualityFigures[name]}</th>
                  <FigureCells figure={figure} of={texts.qualityFigures[name]}>
                    {oneIn !== undefined && <span class="quiet"> {texts.qualityOneIn(oneIn)}</span>}
                  </FigureCells>
                </tr>
              );
            })}
          </tbody>
        </table>
      </TableScroll>
    </section>
  );
}

const oneInOf = ({ count, of }: Figure): number | undefined =>
  count === 0 || count * 2 > of ? undefined : Math.round(of / count);
