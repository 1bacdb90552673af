import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { readStored, writeStored } from '../base/storage.js';

/** What a key does, wherever the focus is except where text is typed. */
export interface Shortcut {
  /** `KeyboardEvent.key`, letters in lower case. */
  keys: readonly string[];
  description: string;
  /** Whether holding the key down runs it again and again. */
  repeats?: true;
  run(key: string): void;
}

interface Group {
  title: string;
  shortcuts: readonly Shortcut[];
}

export const groups = signal<readonly Group[]>([]);

const storageKey = 'plainview-shortcuts';
/** Speech input and motor impairments press letters by mistake (WCAG 2.1.4): single letters can be switched off. */
export const lettersEnabled = signal(readStored('localStorage', storageKey) !== 'off');

export function enableLetters(on: boolean): void {
  lettersEnabled.value = on;
  writeStored('localStorage', storageKey, on ? 'on' : 'off');
}

/** Registers shortcuts for as long as the component is mounted. */
export function useShortcuts(title: string, shortcuts: readonly Shortcut[]): void {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  const names = shortcuts.map(({ keys, description }) => `${keys} ${description}`).join();
  // `names` changes when the shown keys or descriptions change
  useEffect(() => {
    const group: Group = {
      title,
      shortcuts: latest.current.map((each, index) => ({
        ...each,
        run: (key: string) => latest.current[index]?.run(key),
      })),
    };
    groups.value = [...groups.value, group];
    return () => {
      groups.value = groups.value.filter((known) => known !== group);
    };
  }, [title, names]);
}

/** Runs the registered shortcuts on key presses. @returns a function that stops it */
export function startShortcuts(): () => void {
  window.addEventListener('keydown', onKeyDown);
  return () => window.removeEventListener('keydown', onKeyDown);
}

const takesText = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  target.matches(
    'input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, [role=combobox]',
  );

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (takesText(event.target) || document.querySelector('dialog[open]') !== null) return;
  // A range and a zoomed picture use the arrow keys themselves.
  if (
    key.startsWith('Arrow') &&
    event.target instanceof Element &&
    event.target.matches('input, [data-keeps-arrows]')
  )
    return;
  // Enter and the space bar belong to the button or link that has the focus.
  const isPress = key === 'Enter' || key === ' ';
  if (isPress && event.target instanceof Element && event.target.matches('button, a, summary, input')) return;
  const isLetter = key !== '?' && key !== ' ' && key.length === 1;
  if (isLetter && !lettersEnabled.value) return;
  // What was registered last is the page that is shown: its keys come before those that work everywhere.
  const group = groups.value.findLast(({ shortcuts }) => shortcuts.some(({ keys }) => keys.includes(key)));
  const found = group?.shortcuts.find(({ keys }) => keys.includes(key));
  if (found === undefined) return;
  event.preventDefault();
  if (!event.repeat || found.repeats) found.run(key);
}
