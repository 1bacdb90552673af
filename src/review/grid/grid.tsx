import { untracked, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { gridStates } from '../api/grid-schema.js';
import { notifyOnError } from '../state/notices.js';
import { go, goInstead, instanceHref, route } from '../state/route.js';
import { categories as allCategories, mayReview } from '../state/session.js';
import { texts } from '../texts/index.js';
import { Key } from '../ui/keys.js';
import { useShortcuts } from '../ui/shortcuts.js';
import { useSize } from '../ui/use-size.js';
import { Cell } from './cell.js';
import * as grid from './state.js';

/** The smallest width of a picture, with the gap. */
const cellWidth = 140;

/** Pictures of one category: the odd ones are taken out, and one key confirms the rest. */
export function GridPage() {
  return (
    <>
      <h1>{texts.gridTitle}</h1>
      {mayReview.value ? <Content /> : <p>{texts.gridFor}</p>}
    </>
  );
}

function Content() {
  const element = useRef<HTMLDivElement>(null);
  const current = useSignal(0);
  const width = useSize(element)?.width ?? 0;
  const columns = Math.max(2, Math.floor(width / cellWidth));
  useSignalEffect(() => {
    const { value } = route;
    if (value.page !== 'grid') return;
    const next = grid.readWanted(value.query);
    // Coming back from a picture, the grid is as it was left.
    const { state, category } = grid.wanted.peek() ?? {};
    const isSame = state === next.state && (next.category ?? category) === category;
    if (!isSame || grid.page.peek().length === 0) untracked(() => notifyOnError(grid.openGrid(next)));
  });
  useEffect(grid.prefetch, [grid.page.value]);
  const focus = (place: number) => {
    const last = grid.page.value.length - 1;
    current.value = Math.min(Math.max(place, 0), last);
    element.current?.querySelectorAll<HTMLElement>('[role=gridcell]')[current.value]?.focus();
  };
  const shown = () => grid.page.value[current.value];
  const focusFirst = () => {
    document.getElementById('main')?.scrollTo(0, 0);
    // The cells are there after the next drawing.
    requestAnimationFrame(() => focus(0));
  };
  const confirm = async () => {
    const before = grid.page.value;
    const unseen = await grid.confirmRest();
    if (unseen !== undefined) focus(before.indexOf(unseen));
    else if (grid.page.value !== before) focusFirst();
  };
  const undo = async () => {
    await grid.undoBatch();
    focusFirst();
  };
  const run = {
    confirm: () => notifyOnError(confirm()),
    undo: () => notifyOnError(undo()),
  };
  const move = (by: () => number) => () => focus(current.value + by());
  useShortcuts(texts.keysGrid, [
    { keys: ['ArrowRight'], repeats: true, description: texts.keyNextPicture, run: move(() => 1) },
    { keys: ['ArrowLeft'], repeats: true, description: texts.keyPreviousPicture, run: move(() => -1) },
    { keys: ['ArrowDown'], repeats: true, description: texts.keyRowBelow, run: move(() => columns) },
    { keys: ['ArrowUp'], repeats: true, description: texts.keyRowAbove, run: move(() => -columns) },
    {
      keys: [' '],
      description: texts.keyGridToggle,
      run: () => {
        const picture = shown();
        if (picture !== undefined) grid.toggle(picture);
      },
    },
    { keys: ['Enter'], description: texts.keyGridConfirm, run: run.confirm },
    { keys: ['u'], description: texts.keyGridUndo, run: run.undo },
    {
      keys: ['o'],
      description: texts.keyGridOpen,
      run: () => {
        const picture = shown();
        if (picture !== undefined) go(instanceHref(picture.instance));
      },
    },
  ]);
  const pictures = grid.page.value;
  const rows = Array.from({ length: Math.ceil(pictures.length / columns) }, (_, row) => row * columns);
  return (
    <>
      <p class="quiet">{texts.gridNote}</p>
      <Bar confirm={run.confirm} undo={run.undo} />
      <Refusals />
      <div ref={element} style={{ '--columns': columns }}>
        {pictures.length > 0 && (
          // biome-ignore lint/a11y/useSemanticElements: browsers take no table for one whose rows are laid out as a grid
          <div
            role="grid"
            aria-label={texts.gridPictures(grid.category.value ?? '')}
            aria-multiselectable={true}
            aria-busy={grid.saving.value}
          >
            {rows.map((row) => (
              // biome-ignore lint/a11y/useSemanticElements lint/a11y/useFocusableInteractive: as above; its cells take the focus
              <div key={row} role="row">
                {pictures.slice(row, row + columns).map((picture, column) => (
                  <Cell
                    key={grid.keyOf(picture)}
                    picture={picture}
                    place={row + column + 1}
                    isCurrent={row + column === Math.min(current.value, pictures.length - 1)}
                    onCurrent={() => (current.value = row + column)}
                  />
                ))}
              </div>
            ))}
          </div>
        )}
      </div>
    </>
  );
}

function Bar({ confirm, undo }: { confirm: () => void; undo: () => void }) {
  const { state } = grid.wanted.value ?? { state: 'needs_review' };
  const shown = grid.page.value.length;
  const number = grid.rest.value.length;
  const choose = (next: grid.Wanted) => goInstead(grid.gridHref(next));
  const category = grid.category.value ?? '';
  const counted = grid.categories.value;
  const named =
    state === 'needs_review'
      ? counted.map((each) => each.category)
      : allCategories.value.filter(({ isKnown }) => isKnown).map(({ name }) => name);
  const options = named.includes(category) || category === '' ? named : [category, ...named];
  return (
    <div class="grid-bar">
      <label>
        {texts.gridState}
        <select
          value={state}
          onChange={({ currentTarget: { value } }) => {
            const next = gridStates.find((known) => known === value) ?? 'needs_review';
            // What is given is listed by category: one is needed.
            const of = category === '' ? (allCategories.value[0]?.name ?? '') : category;
            choose(next === 'category' ? { state: next, category: of } : { state: next });
          }}
        >
          {gridStates.map((each) => (
            <option key={each} value={each}>
              {texts.gridStates[each]}
            </option>
          ))}
        </select>
      </label>
      <label>
        {texts.gridCategory}
        <select
          value={category}
          onChange={({ currentTarget: { value } }) => choose({ state, category: value })}
        >
          {options.map((name) => (
            <option key={name} value={name}>
              {texts.gridCategoryOption(
                texts.categoryName(name),
                state === 'category' ? undefined : counted.find((each) => each.category === name)?.count,
              )}
            </option>
          ))}
        </select>
      </label>
      <p role="status">
        {grid.saving.value
          ? texts.gridSaving
          : grid.loading.value
            ? texts.loading
            : shown === 0
              ? texts.gridEmpty
              : texts.gridShown(shown, shown - number)}
      </p>
      <button type="button" onClick={() => notifyOnError(grid.openGrid(grid.ofShown()))}>
        {texts.worklistRefresh}
      </button>
      <button type="button" onClick={undo}>
        {texts.gridUndo} <Key name="u" />
      </button>
      {shown > 0 && (
        <button type="button" class="strong" aria-disabled={grid.saving.value} onClick={confirm}>
          {number === 0 ? texts.gridSkip : texts.gridConfirm(number)} <Key name="Enter" />
        </button>
      )}
    </div>
  );
}

/** What was refused stays until the reader has taken note of it. */
function Refusals() {
  const refused = grid.refusals.value;
  return (
    <div role="alert">
      {refused.length > 0 && (
        <div class="grid-refused">
          <h2>{texts.gridRefused(refused.length)}</h2>
          <ul>
            {refused.map(({ instance, why }) => (
              <li key={instance}>
                {why} <a href={instanceHref(instance)}>{texts.gridRefusedPicture}</a>
              </li>
            ))}
          </ul>
          <button type="button" onClick={() => (grid.refusals.value = [])}>
            {texts.gridDismiss}
          </button>
        </div>
      )}
    </div>
  );
}
