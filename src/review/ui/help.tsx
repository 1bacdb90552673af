import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { enable, enabled, groups, type Shortcut } from './shortcuts.js';

export const helpIsOpen = signal(false);

const keyNames: { [key: string]: string } = {
  ArrowLeft: '←',
  ArrowRight: '→',
  ArrowUp: '↑',
  ArrowDown: '↓',
  Escape: 'Esc',
};
const shown = (key: string) => keyNames[key] ?? (key.length === 1 ? key.toUpperCase() : key);

/** The keys that work where one is just now. */
export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = helpIsOpen.value;
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => (helpIsOpen.value = false)}>
      <h2 id="help-title">Keys</h2>
      <div class="help-groups">
        {byTitle().map(([title, shortcuts]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {shortcuts.map(({ keys, does }) => (
                <div key={does}>
                  <dt>
                    {keys.map((key) => (
                      <kbd key={key}>{shown(key)}</kbd>
                    ))}
                  </dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <p>
        <label class="check">
          <input
            type="checkbox"
            checked={enabled.value}
            onChange={(event) => enable(event.currentTarget.checked)}
          />
          Single letters are shortcuts
        </label>
      </p>
      <button type="button" onClick={() => (helpIsOpen.value = false)}>
        Close
      </button>
    </dialog>
  );
}

function byTitle(): [string, Shortcut[]][] {
  const all = new Map<string, Shortcut[]>();
  for (const { title, shortcuts } of groups.value)
    if (shortcuts.length > 0) all.set(title, [...(all.get(title) ?? []), ...shortcuts]);
  return [...all];
}
