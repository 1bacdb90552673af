import { dismiss, notice } from '../state/notices.js';

/** What just happened: said aloud too, and never in the way. */
export function Notices() {
  const shown = notice.value;
  return (
    <div class="notices">
      <div role="status">{shown?.kind === 'done' && <p class="notice">{shown.words}</p>}</div>
      <div role="alert">
        {shown?.kind === 'trouble' && (
          <p class="notice trouble">
            <span>{shown.words}</span>
            <button type="button" class="plain icon" aria-label="Put away" onClick={dismiss}>
              ×
            </button>
          </p>
        )}
      </div>
    </div>
  );
}
