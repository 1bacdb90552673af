import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { store, stored } from '../storage.js';

/** What a key does, wherever the focus is except where text is typed. */
export interface Shortcut {
  /** `KeyboardEvent.key`, letters in lower case. */
  keys: readonly string[];
  does: string;
  /** Whether holding the key down does it again and again. */
  repeats?: true;
  run(key: string): void;
}

interface Group {
  title: string;
  shortcuts: readonly Shortcut[];
}

export const groups = signal<readonly Group[]>([]);

const storedUnder = 'plainview-shortcuts';
/** Speech input and some hands press letters unintended (WCAG 2.1.4): they can be switched off. */
export const enabled = signal(stored('localStorage', storedUnder) !== 'off');

export function enable(on: boolean): void {
  enabled.value = on;
  store('localStorage', storedUnder, on ? 'on' : 'off');
}

/** Registers shortcuts for as long as the component is there. */
export function useShortcuts(title: string, shortcuts: readonly Shortcut[]): void {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  const names = shortcuts.map(({ keys, does }) => `${keys} ${does}`).join();
  // `names` changes when what is to be shown does
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

const takesText = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  target.matches(
    'input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, [role=combobox]',
  );

addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (takesText(event.target) || document.querySelector('dialog[open]') !== null) return;
  // A range and the picture need the arrows for themselves.
  if (
    key.startsWith('Arrow') &&
    event.target instanceof Element &&
    event.target.matches('input, [data-keeps-arrows]')
  )
    return;
  // Enter is the button's or the link's that has the focus.
  if (key === 'Enter' && event.target instanceof Element && event.target.matches('button, a, summary'))
    return;
  const isAlways = key === '?' || key.length > 1;
  if (!isAlways && !enabled.value) return;
  const found = groups.value.flatMap(({ shortcuts }) => shortcuts).find(({ keys }) => keys.includes(key));
  if (found === undefined) return;
  event.preventDefault();
  if (!event.repeat || found.repeats) found.run(key);
});
