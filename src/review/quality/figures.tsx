import { type Figure, figureNames, type Group } from '../api/quality-schema.js';
import { shareText } from '../base/format.js';
import { texts } from '../texts/index.js';
import { TableScroll } from '../ui/table-scroll.js';
import { Examples } from './examples.js';
import { Interval } from './interval.js';

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
              <th scope="col">{texts.qualityShare}</th>
              <th scope="col">{texts.qualityInterval}</th>
              <th scope="col">{texts.qualityCount}</th>
              <th scope="col">{texts.qualityExamples}</th>
            </tr>
          </thead>
          <tbody>
            {figureNames.map((name) => {
              const figure = all.figures[name];
              const oneIn = oneInOf(figure);
              return (
                <tr key={name}>
                  <th scope="row">{texts.qualityFigures[name]}</th>
                  <td>
                    {shareText(figure.share)}
                    {oneIn !== undefined && <span class="quiet"> {texts.qualityOneIn(oneIn)}</span>}
                  </td>
                  <td>
                    <Interval figure={figure} />
                  </td>
                  <td>{texts.qualityCounted(figure.count, figure.of)}</td>
                  <td>
                    <Examples figure={figure} of={texts.qualityFigures[name]} />
                  </td>
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
