import { useState } from 'preact/hooks';
import { goInstead } from '../state/route.js';
import { categories } from '../state/session.js';
import { filterNames, type Filters as Narrowed, source, worklistHref } from '../state/worklist.js';
import { spoken } from '../ui/format.js';

const modalities = ['CR', 'DX', 'RG', 'PX', 'IO', 'MG', 'RF', 'OT'];

type Changed = { currentTarget: HTMLInputElement | HTMLSelectElement };

/** Some browsers tell of each digit of a year that is being typed. */
const dated = (set: (event: Changed) => void) => (event: Changed) => {
  const { value } = event.currentTarget;
  if (value === '' || value >= '1900') set(event);
};

/** Not of type `number`: what that takes for one, and with which point or comma, each browser decides for itself. */
function Score(given: { name: string; value: string | undefined; set: (event: Changed) => void }) {
  return (
    <label>
      {given.name}
      <input
        type="text"
        inputMode="decimal"
        pattern="0|1|0?[.][0-9]+|1[.]0+"
        title="A number from 0 to 1"
        value={given.value ?? ''}
        onChange={(event) => {
          const input = event.currentTarget;
          input.value = input.value.trim().replace(',', '.');
          if (input.reportValidity()) given.set(event);
        }}
      />
    </label>
  );
}

/** Narrows the list. Text waits for Enter or a pause, so that each letter is no search of the archive. */
export function Filters() {
  const wanted = source.value;
  const filters: Narrowed = 'filters' in wanted ? wanted.filters : { state: 'needs_review' };
  const used = filterNames.filter((name) => name !== 'text' && filters[name] !== undefined).length;
  const [isOpen, setOpen] = useState(used > 0);
  const set = (name: (typeof filterNames)[number]) => (event: Changed) =>
    goInstead(worklistHref({ ...filters, [name]: event.currentTarget.value.trim() }));
  return (
    <search class="filters">
      <form onSubmit={(event) => event.preventDefault()}>
        <label class="search">
          <span class="unseen">Search descriptions and accession numbers</span>
          <input
            id="search"
            type="search"
            placeholder="Search descriptions, stations …"
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
          Filters{used > 0 ? ` (${used})` : ''}
        </button>
        {used > 0 && (
          <a class="button" href={worklistHref({ state: filters.state, text: filters.text ?? '' })}>
            Clear
          </a>
        )}
        <fieldset id="more-filters" hidden={!isOpen}>
          <legend class="unseen">Filters</legend>
          <label>
            Category
            <select value={filters.category ?? ''} onChange={set('category')}>
              <option value="">Any</option>
              {categories.value.map((name) => (
                <option key={name} value={name}>
                  {spoken(name)}
                </option>
              ))}
            </select>
          </label>
          <Score name="Score from" value={filters.minScore} set={set('minScore')} />
          <Score name="Score to" value={filters.maxScore} set={set('maxScore')} />
          <label>
            Study from
            <input type="date" value={filters.from ?? ''} onChange={dated(set('from'))} />
          </label>
          <label>
            Study to
            <input type="date" value={filters.to ?? ''} onChange={dated(set('to'))} />
          </label>
          <label>
            Station
            <input
              type="text"
              maxLength={64}
              placeholder="ROOM*"
              value={filters.station ?? ''}
              onChange={set('station')}
            />
          </label>
          <label>
            Modality
            <select value={filters.modality ?? ''} onChange={set('modality')}>
              <option value="">Any</option>
              {modalities.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        </fieldset>
      </form>
    </search>
  );
}
