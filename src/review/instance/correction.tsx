import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Entry } from '../api/schema.js';
import { notifyOnError } from '../state/notices.js';
import { correct } from '../state/review.js';
import { categories } from '../state/session.js';
import { texts } from '../texts/index.js';
import { Key } from '../ui/keys.js';
import { useShortcuts } from '../ui/shortcuts.js';
import { CorrectionOptions } from './correction-options.js';
import { matchCategories } from './match-categories.js';

/**
 * A combobox (ARIA Authoring Practices) of the categories and "none of these"; a few letters find a category. Only typing
 * finds the views that the network does not know.
 */
export function Correction({ entry }: { entry: Entry }) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const id = useId();
  const scores = new Map(entry.top.map(({ category, score }) => [category, score]));
  const found = matchCategories(text, categories.value, scores);
  const options: (string | null)[] = [...found.map(({ name }) => name), null];
  const activeIndex = Math.min(active, options.length - 1);

  useShortcuts(texts.keysDecide, [
    { keys: ['e', 'c'], description: texts.keyCorrect, run: () => input.current?.focus() },
  ]);
  // Each new picture begins with an empty input
  useEffect(close, [entry.instance]);
  useEffect(() => {
    if (isOpen) document.getElementById(`${id}-${activeIndex}`)?.scrollIntoView({ block: 'nearest' });
  }, [id, isOpen, activeIndex]);

  function close(): void {
    setOpen(false);
    setText('');
    setActive(0);
  }
  function take(category: string | null): void {
    close();
    input.current?.blur();
    notifyOnError(correct(entry, category));
  }
  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const by = event.key === 'ArrowDown' ? 1 : -1;
      if (isOpen) setActive((activeIndex + by + options.length) % options.length);
      setOpen(true);
    } else if (event.key === 'Enter') {
      const chosen = options[activeIndex];
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
          {texts.correctionLabel} <Key name="e" />
        </span>
      </label>
      <input
        ref={input}
        id={id}
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        placeholder={texts.correctionPlaceholder}
        aria-expanded={isOpen}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={isOpen ? `${id}-${activeIndex}` : undefined}
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
      <div
        id={`${id}-list`}
        role="listbox"
        aria-label={texts.correctionCategories}
        class="options"
        hidden={!isOpen}
      >
        <CorrectionOptions id={id} found={found} scores={scores} active={activeIndex} take={take} />
      </div>
    </div>
  );
}
