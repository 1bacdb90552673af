import { link, status } from '../api/live.js';
import { route } from '../state/route.js';
import { me } from '../state/session.js';
import { count } from './format.js';
import { helpIsOpen } from './help.js';

export function Header() {
  const { page } = route.value;
  return (
    <header class="top">
      <a class="brand" href="#/" aria-label="Plainview, worklist">
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <rect x="3" y="2.5" width="18" height="19" rx="2.5" />
          <path d="M12 6v12M8 9.5c2.5-1.5 5.5-1.5 8 0M8 13c2.5-1.5 5.5-1.5 8 0M9 16.5c2-1 4-1 6 0" />
        </svg>
        Plainview
      </a>
      <nav aria-label="Pages">
        <a href="#/" aria-current={page === 'dashboard' ? undefined : 'page'}>
          Worklist
        </a>
        <a href="#/dashboard" aria-current={page === 'dashboard' ? 'page' : undefined}>
          Dashboard
        </a>
      </nav>
      <Live />
      {me.value && (
        <span class="who">
          {me.value.who} <span class="role">{me.value.role}</span>
        </span>
      )}
      <button
        type="button"
        class="plain icon"
        aria-label="Keyboard shortcuts"
        onClick={() => (helpIsOpen.value = true)}
      >
        ?
      </button>
    </header>
  );
}

/** Whether what is shown is up to date, and how much is under way. */
function Live() {
  const told = status.value;
  const [kind, words] =
    link.value === 'lost'
      ? ['bad', 'Service does not answer']
      : told?.orthanc.up === false
        ? ['bad', 'Orthanc does not answer']
        : ['good', link.value === 'events' ? 'Live' : 'Up to date'];
  const open = told === undefined ? 0 : told.queue.waiting + told.queue.running + told.queue.delayed;
  return (
    <p class="live" role="status">
      <span class={`dot ${kind}`} aria-hidden="true" />
      {words}
      {kind === 'good' && open > 0 && <span class="quiet"> · {count(open)} in work</span>}
    </p>
  );
}
