import { useState } from 'preact/hooks';
import { filterNames, type WorklistFilters, worklistHref } from '../state/filters.js';
import { goInstead } from '../state/route.js';
import { categories } from '../state/session.js';
import { source } from '../state/worklist.js';
import { texts } from '../texts/index.js';

const modalities = ['CR', 'DX', 'RG', 'PX', 'IO', 'MG', 'RF', 'OT'];

type Changed = { currentTarget: HTMLInputElement | HTMLSelectElement };

/** Some browsers report a change for each digit of a year while it is typed. */
const completeDate = (set: (event: Changed) => void) => (event: Changed) => {
  const { value } = event.currentTarget;
  if (value === '' || value >= '1900') set(event);
};

/** Not of type `number`: browsers differ in whether that type takes a decimal point or a comma. */
function ScoreInput({
  label,
  value,
  set,
}: {
  label: string;
  value: string | undefined;
  set: (event: Changed) => void;
}) {
  return (
    <label>
      {label}
      <input
        type="text"
        inputMode="decimal"
        pattern="0|1|0?[.][0-9]+|1[.]0+"
        title={texts.filtersScoreRange}
        value={value ?? ''}
        onChange={(event) => {
          const input = event.currentTarget;
          input.value = input.value.trim().replace(',', '.');
          if (input.reportValidity()) set(event);
        }}
      />
    </label>
  );
}

/** Narrows the list. Text waits for Enter or for the focus to leave, so that not each letter searches the archive. */
export function Filters() {
  const wanted = source.value;
  const filters: WorklistFilters = 'filters' in wanted ? wanted.filters : { state: 'needs_review' };
  const used = filterNames.filter((name) => name !== 'text' && filters[name] !== undefined).length;
  const [isOpen, setOpen] = useState(used > 0);
  const set = (name: (typeof filterNames)[number]) => (event: Changed) =>
    goInstead(worklistHref({ ...filters, [name]: event.currentTarget.value.trim() }));
  return (
    <search class="filters">
      <form onSubmit={(event) => event.preventDefault()}>
        <label class="search">
          <span class="visually-hidden">{texts.filtersSearch}</span>
          <input
            id="search"
            type="search"
            placeholder={texts.filtersSearchPlaceholder}
            maxLength={64}
            value={filters.text ?? ''}
            onChange={set('text')}
          />
        </label>
        <button
          type="button"
          aria-expanded={isOpen}
          aria-controls="more-filters"
          onClick={() => setOpen(!isOpen)}
        >
          {texts.filtersButton(used)}
        </button>
        {used > 0 && (
          <a class="button" href={worklistHref({ state: filters.state, text: filters.text ?? '' })}>
            {texts.filtersClear}
          </a>
        )}
        <fieldset id="more-filters" hidden={!isOpen}>
          <legend class="visually-hidden">{texts.filtersTitle}</legend>
          <label>
            {texts.filtersCategory}
            <select value={filters.category ?? ''} onChange={set('category')}>
              <option value="">{texts.filtersAny}</option>
              {[true, false].map((known) => (
                <optgroup key={String(known)} label={texts.filtersCategories(known)}>
                  {categories.value
                    .filter(({ isKnown }) => isKnown === known)
                    .map(({ name }) => (
                      <option key={name} value={name}>
                        {texts.categoryName(name)}
                      </option>
                    ))}
                </optgroup>
              ))}
            </select>
          </label>
          <ScoreInput label={texts.filtersMinScore} value={filters.minScore} set={set('minScore')} />
          <ScoreInput label={texts.filtersMaxScore} value={filters.maxScore} set={set('maxScore')} />
          <label>
            {texts.filtersFrom}
            <input type="date" value={filters.from ?? ''} onChange={completeDate(set('from'))} />
          </label>
          <label>
            {texts.filtersTo}
            <input type="date" value={filters.to ?? ''} onChange={completeDate(set('to'))} />
          </label>
          <label>
            {texts.filtersStation}
            <input
              type="text"
              maxLength={64}
              placeholder={texts.filtersStationPlaceholder}
              value={filters.station ?? ''}
              onChange={set('station')}
            />
          </label>
          <label>
            {texts.filtersModality}
            <select value={filters.modality ?? ''} onChange={set('modality')}>
              <option value="">{texts.filtersAny}</option>
              {modalities.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <label>
            {texts.filtersShadow}
            <select value={filters.shadow ?? ''} onChange={set('shadow')}>
              <option value="">{texts.filtersAny}</option>
              {(['differs', 'agrees', 'failed'] as const).map((name) => (
                <option key={name} value={name}>
                  {texts.filtersShadowNames[name]}
                </option>
              ))}
            </select>
          </label>
        </fieldset>
      </form>
    </search>
  );
}
