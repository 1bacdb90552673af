import { useState } from 'preact/hooks';
import { goInstead } from '../state/route.js';
import { categories } from '../state/session.js';
import { filterNames, type Filters as Narrowed, source, worklistHref } from '../state/worklist.js';
import { spoken } from '../ui/words.js';

const modalities = ['CR', 'DX', 'RG', 'PX', 'IO', 'MG', 'RF', 'OT'];

/** Narrows the list. Text waits for Enter or a pause, so that each letter is no search of the archive. */
export function Filters() {
  const wanted = source.value;
  const filters: Narrowed = 'filters' in wanted ? wanted.filters : { state: 'needs_review' };
  const used = filterNames.filter((name) => name !== 'text' && filters[name] !== undefined).length;
  const [isOpen, setOpen] = useState(used > 0);
  const set = (name: (typeof filterNames)[number]) => (event: { currentTarget: { value: string } }) =>
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
          <label>
            Score from
            <input
              type="number"
              min="0"
              max="1"
              step="0.05"
              value={filters.minScore ?? ''}
              onChange={set('minScore')}
            />
          </label>
          <label>
            Score to
            <input
              type="number"
              min="0"
              max="1"
              step="0.05"
              value={filters.maxScore ?? ''}
              onChange={set('maxScore')}
            />
          </label>
          <label>
            Study from
            <input type="date" value={filters.from ?? ''} onChange={set('from')} />
          </label>
          <label>
            Study to
            <input type="date" value={filters.to ?? ''} onChange={set('to')} />
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
