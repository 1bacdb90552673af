import { dismiss, notice } from '../state/notices.js';
import { texts } from '../texts/index.js';

/** What just happened, announced to screen readers too; it takes no focus. */
export function Notices() {
  const shown = notice.value;
  return (
    <div class="notices">
      <div role="status">{shown?.kind === 'done' && <p class="notice">{shown.message}</p>}</div>
      <div role="alert">
        {shown?.kind === 'problem' && (
          <p class="notice problem">
            <span>{shown.message}</span>
            <button type="button" class="plain icon" aria-label={texts.noticeDismiss} onClick={dismiss}>
              ×
            </button>
          </p>
        )}
      </div>
    </div>
  );
}
