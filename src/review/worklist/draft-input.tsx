import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { texts } from '../texts/index.js';

/** After the last key, so that not each letter searches the archive. */
const pauseMs = 300;

interface Props {
  label: string;
  /** What is applied. */
  value: string;
  /** Why this cannot be applied; undefined where it can. */
  problemOf?: (text: string) => string | undefined;
  apply: (text: string) => void;
  id?: string;
  type?: 'text' | 'search' | 'date';
  inputMode?: 'decimal';
  placeholder?: string;
  isLabelHidden?: boolean;
}

/** A filter that applies while it is typed. What is invalid stays, and is marked. */
export function DraftInput({
  label,
  value,
  problemOf = () => undefined,
  apply,
  id,
  type = 'text',
  inputMode,
  placeholder,
  isLabelHidden = false,
}: Props) {
  const unnamed = useId();
  const own = id ?? unnamed;
  const [draft, setDraft] = useState(value);
  const [isIncomplete, setIncomplete] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const applied = useRef(value);
  // Another list, or "clear": not what this input has applied itself.
  useEffect(() => {
    if (value !== applied.current) setDraft(value);
    applied.current = value;
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const problem = isIncomplete ? texts.filtersIncomplete : problemOf(draft);
  const applyNow = (text: string) => {
    clearTimeout(timer.current);
    if (problemOf(text) !== undefined || text === applied.current) return;
    applied.current = text;
    apply(text);
  };
  const isInvalid = problem !== undefined;
  // What was invalid beside another filter can become valid with that one.
  useEffect(() => {
    if (!isInvalid && draft !== applied.current)
      timer.current = setTimeout(() => applyNow(draft.trim()), pauseMs);
  }, [isInvalid]);
  const onInput = ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
    clearTimeout(timer.current);
    // A day of which a part is missing has no value.
    setIncomplete(currentTarget.validity.badInput);
    if (currentTarget.validity.badInput) return;
    const text = currentTarget.value;
    setDraft(text);
    timer.current = setTimeout(() => applyNow(text.trim()), pauseMs);
  };
  const note = `${own}-problem`;
  const attributes = {
    id: own,
    inputMode,
    placeholder,
    maxLength: 64,
    'aria-invalid': isInvalid,
    'aria-describedby': isInvalid ? note : undefined,
    value: draft,
    onInput,
    onChange: ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
      if (!currentTarget.validity.badInput) applyNow(currentTarget.value.trim());
    },
    // A browser tells of a day that was incomplete from the beginning only here.
    onBlur: ({ currentTarget }: { currentTarget: HTMLInputElement }) =>
      setIncomplete(currentTarget.validity.badInput),
  };
  return (
    <label for={own} class={type === 'search' ? 'search' : undefined}>
      <span class={isLabelHidden ? 'visually-hidden' : undefined}>{label}</span>
      {type === 'text' && <input type="text" {...attributes} />}
      {type === 'search' && <input type="search" {...attributes} />}
      {type === 'date' && <input type="date" {...attributes} />}
      {isInvalid && (
        <small id={note} class="error-text">
          {problem}
        </small>
      )}
    </label>
  );
}
