import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Entry } from '../api/schema.js';
import { attempt } from '../state/notices.js';
import { correct } from '../state/review.js';
import { categories } from '../state/session.js';
import { scoreText, spoken } from '../ui/format.js';
import { useShortcuts } from '../ui/shortcuts.js';
import { matching } from './matching.js';

/** Type a few letters of what it is: a combobox (ARIA Authoring Practices) of the categories and "none of these". */
export function Correction({ entry }: { entry: Entry }) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const id = useId();
  const scores = new Map(entry.top.map(({ category, score }) => [category, score]));
  const options: (string | null)[] = [...matching(text, categories.value, scores), null];
  const shownActive = Math.min(active, options.length - 1);

  useShortcuts('Decide', [
    { keys: ['e', 'c'], does: 'Correct: type what it is', run: () => input.current?.focus() },
  ]);
  // Another picture begins anew
  useEffect(close, [entry.instance]);
  useEffect(() => {
    if (isOpen) document.getElementById(`${id}-${shownActive}`)?.scrollIntoView({ block: 'nearest' });
  }, [id, isOpen, shownActive]);

  function close(): void {
    setOpen(false);
    setText('');
    setActive(0);
  }
  function take(category: string | null): void {
    close();
    input.current?.blur();
    attempt(correct(entry, category));
  }
  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const by = event.key === 'ArrowDown' ? 1 : -1;
      if (isOpen) setActive((shownActive + by + options.length) % options.length);
      setOpen(true);
    } else if (event.key === 'Enter') {
      const chosen = options[shownActive];
      if (isOpen && chosen !== undefined) take(chosen);
    } else if (event.key === 'Escape') {
      close();
      input.current?.blur();
    } else return;
    event.preventDefault();
  }

  return (
    <div class="correction">
      <label for={id}>
        <span>
          Correct to <kbd>E</kbd>
        </span>
      </label>
      <input
        ref={input}
        id={id}
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        placeholder="Type what it is: kn lat"
        aria-expanded={isOpen}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={isOpen ? `${id}-${shownActive}` : undefined}
        value={text}
        onFocus={() => setOpen(true)}
        onBlur={close}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setActive(0);
          setOpen(true);
        }}
        onKeyDown={onKeyDown}
      />
      <div id={`${id}-list`} role="listbox" aria-label="Categories" class="options" hidden={!isOpen}>
        {options.map((category, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the input takes the keys, and names the active option
          <div
            key={category ?? ''}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === shownActive}
            class={category === null ? 'none' : undefined}
            // Before the input loses the focus, which closes the list.
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => take(category)}
          >
            <span>{category === null ? 'None of these' : spoken(category)}</span>
            <span class="quiet">
              {category !== null && scores.has(category) ? scoreText(scores.get(category) ?? 0) : ''}
            </span>
          </div>
        ))}
      </div>
    </div>
  );
}
