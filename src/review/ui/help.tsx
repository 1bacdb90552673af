import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { texts } from '../texts/index.js';
import { Key } from './keys.js';
import { enableLetters, groups, lettersEnabled, type Shortcut } from './shortcuts.js';

export const helpIsOpen = signal(false);

/** The keys that work on the page that is shown. */
export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = helpIsOpen.value;
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => (helpIsOpen.value = false)}>
      <h2 id="help-title">{texts.helpTitle}</h2>
      <div class="help-groups">
        {byTitle().map(([title, shortcuts]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {shortcuts.map(({ keys, description }) => (
                <div key={description}>
                  <dt>
                    {keys.map((key) => (
                      <Key key={key} name={key} />
                    ))}
                  </dt>
                  <dd>{description}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>{texts.mouseTitle}</h3>
          <dl>
            {texts.mouseHelp.map(([gesture, does]) => (
              <div key={gesture}>
                <dt>{gesture}</dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
      <p>
        <label class="check">
          <input
            type="checkbox"
            checked={lettersEnabled.value}
            onChange={(event) => enableLetters(event.currentTarget.checked)}
          />
          {texts.helpLettersOn}
        </label>
      </p>
      <button type="button" onClick={() => (helpIsOpen.value = false)}>
        {texts.helpClose}
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
