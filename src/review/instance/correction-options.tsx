import { scoreText } from '../base/format.js';
import type { Category } from '../state/session.js';
import { texts } from '../texts/index.js';

interface Props {
  /** Of the combobox; the options have ids that begin with it. */
  id: string;
  found: readonly Category[];
  scores: ReadonlyMap<string, number>;
  /** Index of the active option. "None of these" is the last one. */
  active: number;
  take: (category: string | null) => void;
}

/** What the network knows, then what it does not know by body part, then "none of these". */
export function CorrectionOptions({ id, found, scores, active, take }: Props) {
  const option = (category: string | null, index: number) => (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the input handles the keys, and names the active option
    <div
      key={category ?? ''}
      id={`${id}-${index}`}
      role="option"
      tabIndex={-1}
      aria-selected={index === active}
      class={category === null ? 'none' : undefined}
      // Else the input would lose the focus, which closes the list before the click.
      onPointerDown={(event) => event.preventDefault()}
      onClick={() => take(category)}
    >
      <span>{category === null ? texts.noneOfThese : texts.categoryName(category)}</span>
      <span class="quiet">
        {category !== null && scores.has(category) ? scoreText(scores.get(category) ?? 0) : ''}
      </span>
    </div>
  );
  return (
    <>
      {groupsOf(found).map(({ region, first, categories }) => {
        const options = categories.map(({ name }, at) => option(name, first + at));
        if (region === undefined) return options;
        const label = `${id}-group-${first}`;
        return (
          // biome-ignore lint/a11y/useSemanticElements: a group of options in a list has no element of its own
          <div key={label} role="group" aria-labelledby={label}>
            <div id={label} class="group-label">
              {texts.correctionUnknownToNetwork(region)}
            </div>
            {options}
          </div>
        );
      })}
      {option(null, found.length)}
    </>
  );
}

interface Group {
  /** Undefined: the network knows them. */
  region: string | undefined;
  /** Index of its first option. */
  first: number;
  categories: Category[];
}

/** Categories that follow each other, together. */
function groupsOf(found: readonly Category[]): Group[] {
  const groups: Group[] = [];
  for (const [index, category] of found.entries()) {
    const region = category.isKnown ? undefined : category.region;
    const last = groups.at(-1);
    if (last !== undefined && last.region === region) last.categories.push(category);
    else groups.push({ region, first: index, categories: [category] });
  }
  return groups;
}
