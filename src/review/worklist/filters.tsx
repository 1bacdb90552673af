import { useState } from 'preact/hooks';
import { formerStates, settledWords } from '../../contract/states.js';
import {
  type FilterName,
  filterNames,
  invalidIn,
  type WorklistFilters,
  worklistHref,
} from '../state/filters.js';
import { goInstead } from '../state/route.js';
import { categories, mayReview } from '../state/session.js';
import { source } from '../state/worklist.js';
import { texts } from '../texts/index.js';
import { DraftInput } from './draft-input.js';
import { PatientSearch } from './patient-search.js';

const modalities = ['CR', 'DX', 'RG', 'PX', 'IO', 'MG', 'RF', 'OT'];
const invalidTexts: { readonly [name: string]: string } = texts.filtersInvalid;

const filtersOf = (): WorklistFilters => {
  const { value } = source;
  return 'filters' in value ? value.filters : { state: 'needs_review' };
};

/** By what is applied now: others may have changed while this one was typed. */
const apply = (name: FilterName) => (text: string) =>
  goInstead(worklistHref({ ...filtersOf(), [name]: text }));

/** Narrows the list, while it is typed. */
export function Filters() {
  const filters = filtersOf();
  const used = filterNames.filter((name) => name !== 'text' && filters[name] !== undefined).length;
  const [chosen, setOpen] = useState<boolean>();
  // Inputs made anew forget what was typed into them and could not be applied.
  const [timesCleared, setTimesCleared] = useState(0);
  // What narrows the list is shown, unless the reader has closed it.
  const isOpen = chosen ?? used > 0;
  const draft = (name: FilterName) => ({
    id: `filter-${name}`,
    value: filters[name] ?? '',
    problemOf: (text: string) =>
      invalidIn({ ...filtersOf(), [name]: asTyped(name, text) }).includes(name)
        ? invalidTexts[name]
        : undefined,
    apply: (text: string) => apply(name)(asTyped(name, text) ?? ''),
  });
  return (
    <search class="filters">
      <form onSubmit={(event) => event.preventDefault()}>
        <DraftInput
          id="search"
          type="search"
          label={texts.filtersSearch}
          isLabelHidden
          placeholder={texts.filtersSearchPlaceholder}
          value={filters.text ?? ''}
          apply={apply('text')}
        />
        <button
          type="button"
          aria-expanded={isOpen}
          aria-controls="more-filters"
          onClick={() => setOpen(!isOpen)}
        >
          {texts.filtersButton(used)}
        </button>
        {used > 0 && (
          <a
            class="button"
            href={worklistHref({ state: filters.state, text: filters.text ?? '' })}
            onClick={() => setTimesCleared(timesCleared + 1)}
          >
            {texts.filtersClear}
          </a>
        )}
        <fieldset key={timesCleared} id="more-filters" hidden={!isOpen}>
          <legend class="visually-hidden">{texts.filtersTitle}</legend>
          {filters.state === 'settled_by_person' && <SettledFilters filters={filters} />}
          <CategoryFilter value={filters.category} />
          <DraftInput label={texts.filtersMinScore} inputMode="decimal" {...draft('minScore')} />
          <DraftInput label={texts.filtersMaxScore} inputMode="decimal" {...draft('maxScore')} />
          <DraftInput label={texts.filtersFrom} type="date" {...draft('from')} />
          <DraftInput label={texts.filtersTo} type="date" {...draft('to')} />
          <DraftInput
            label={texts.filtersStation}
            placeholder={texts.filtersStationPlaceholder}
            {...draft('station')}
          />
          <Choice
            label={texts.filtersModality}
            name="modality"
            value={filters.modality}
            options={modalities.map((name) => [name, name])}
          />
          <Choice
            label={texts.filtersShadow}
            name="shadow"
            value={filters.shadow}
            options={Object.entries(texts.filtersShadowNames)}
          />
          {mayReview.value && <PatientSearch />}
        </fieldset>
      </form>
    </search>
  );
}

/** Scores may be typed with a comma. @returns undefined where nothing is typed */
function asTyped(name: FilterName, text: string): string | undefined {
  const given = name === 'minScore' || name === 'maxScore' ? text.replace(',', '.') : text;
  return given === '' ? undefined : given;
}

function SettledFilters({ filters }: { filters: WorklistFilters }) {
  return (
    <>
      <Choice
        label={texts.filtersSaid}
        name="said"
        value={filters.said}
        options={settledWords.map((word) => [word, texts.filtersSaidNames[word]])}
      />
      <DraftInput label={texts.filtersBy} value={filters.by ?? ''} apply={apply('by')} />
      <Choice
        label={texts.filtersWas}
        name="was"
        value={filters.was}
        options={formerStates.map((state) => [state, texts.filtersWasNames[state]])}
      />
    </>
  );
}

interface ChoiceProps {
  label: string;
  name: FilterName;
  value: string | undefined;
  options: readonly (readonly [value: string, text: string])[];
}

function Choice({ label, name, value = '', options }: ChoiceProps) {
  return (
    <label>
      {label}
      <select value={value} onChange={({ currentTarget }) => apply(name)(currentTarget.value)}>
        <option value="">{texts.filtersAny}</option>
        {options.map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
        <Unlisted value={value} known={options.map(([each]) => each)} />
      </select>
    </label>
  );
}

/** What an address asks for, and the list of choices has not, is shown all the same. */
function Unlisted({ value, known }: { value: string; known: readonly string[] }) {
  return value === '' || known.includes(value) ? null : <option value={value}>{value}</option>;
}

function CategoryFilter({ value = '' }: { value: string | undefined }) {
  return (
    <label>
      {texts.filtersCategory}
      <select value={value} onChange={({ currentTarget }) => apply('category')(currentTarget.value)}>
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
        <Unlisted value={value} known={categories.value.map(({ name }) => name)} />
      </select>
    </label>
  );
}
