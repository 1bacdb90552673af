import { connection, status } from '../api/live.js';
import { route } from '../state/route.js';
import { me } from '../state/session.js';
import { texts } from '../texts/index.js';
import { helpIsOpen } from './help.js';
import { LanguageChoice } from './language-choice.js';

export function Header() {
  const { page } = route.value;
  return (
    <header class="top">
      <a class="brand" href="#/" aria-label={texts.headerHome}>
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <rect x="3" y="2.5" width="18" height="19" rx="2.5" />
          <path d="M12 6v12M8 9.5c2.5-1.5 5.5-1.5 8 0M8 13c2.5-1.5 5.5-1.5 8 0M9 16.5c2-1 4-1 6 0" />
        </svg>
        {texts.appName}
      </a>
      <nav aria-label={texts.headerPages}>
        <a href="#/" aria-current={page === 'dashboard' || page === 'quality' ? undefined : 'page'}>
          {texts.pageTitles.worklist}
        </a>
        <a href="#/dashboard" aria-current={page === 'dashboard' ? 'page' : undefined}>
          {texts.pageTitles.dashboard}
        </a>
        <a href="#/report" aria-current={page === 'quality' ? 'page' : undefined}>
          {texts.pageTitles.quality}
        </a>
      </nav>
      <LiveStatus />
      {me.value && (
        <span class="who">
          {me.value.who} <span class="role">{me.value.role}</span>
        </span>
      )}
      <LanguageChoice />
      <button
        type="button"
        class="plain icon about-keys"
        aria-label={texts.headerKeys}
        onClick={() => (helpIsOpen.value = true)}
      >
        ?
      </button>
    </header>
  );
}

/** Whether what is shown is up to date, and how many jobs are open. */
function LiveStatus() {
  const { value } = status;
  const [kind, text] =
    connection.value === 'lost'
      ? ['bad', texts.headerServiceAway]
      : value?.orthanc.up === false
        ? ['bad', texts.headerOrthancAway]
        : value?.stateProblem !== undefined
          ? ['bad', texts.headerStateProblem]
          : ['good', connection.value === 'events' ? texts.headerLive : texts.headerUpToDate];
  const open = value === undefined ? 0 : value.queue.waiting + value.queue.running + value.queue.delayed;
  return (
    <p class="live" role="status">
      <span class={`dot ${kind}`} aria-hidden="true" />
      {text}
      {kind === 'good' && open > 0 && <span class="quiet"> · {texts.headerInProgress(open)}</span>}
    </p>
  );
}
