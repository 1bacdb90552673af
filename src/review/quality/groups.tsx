import { useSignal } from '@preact/signals';
import { dimensions, type FigureName, figureNames, type Report } from '../api/quality-schema.js';
import { count } from '../base/format.js';
import { texts } from '../texts/index.js';
import { TableScroll } from '../ui/table-scroll.js';
import { FigureCells, FigureHeads } from './figure-cells.js';

/** One figure by one dimension. */
export function Groups({ report }: { report: Report }) {
  const told = figureNames.filter((name) => report.all.figures[name].of > 0);
  const dimension = useSignal<(typeof dimensions)[number]>('station');
  const figure = useSignal<FigureName>('withoutBodyPart');
  const groups = report.by[dimension.value] ?? [];
  const most = Math.max(
    ...groups.map(({ figures }) => figures[figure.value]).map(({ of, high }) => (of > 0 ? high : 0)),
  );
  const title = texts.qualityTable(
    texts.qualityFigures[figure.value],
    texts.qualityDimensions[dimension.value],
  );
  return (
    <section class="panel wide" aria-labelledby="quality-groups">
      <h2 id="quality-groups">{title}</h2>
      <div class="quality-choice">
        <fieldset class="segmented">
          <legend class="visually-hidden">{texts.qualityDimension}</legend>
          {dimensions.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={dimension.value === each}
              onClick={() => (dimension.value = each)}
            >
              {texts.qualityDimensions[each]}
            </button>
          ))}
        </fieldset>
        <select
          aria-label={texts.qualityShare}
          value={figure.value}
          onChange={({ currentTarget: { value } }) => {
            figure.value = figureNames.find((name) => name === value) ?? figure.value;
          }}
        >
          {told.map((name) => (
            <option key={name} value={name}>
              {texts.qualityFigures[name]}
            </option>
          ))}
        </select>
      </div>
      <TableScroll name={title}>
        <table>
          <thead>
            <tr>
              <th scope="col">{texts.qualityDimensions[dimension.value]}</th>
              <FigureHeads />
            </tr>
          </thead>
          <tbody>
            {groups.map(({ value, radiographs, figures }) => {
              const shown = figures[figure.value];
              return (
                <tr key={value}>
                  <th scope="row">
                    {dimension.value === 'category' && !value.startsWith('(')
                      ? texts.categoryName(value)
                      : value}{' '}
                    <span class="quiet">{count(radiographs)}</span>
                  </th>
                  <FigureCells figure={shown} of={value} end={most} />
                </tr>
              );
            })}
          </tbody>
        </table>
      </TableScroll>
    </section>
  );
}
