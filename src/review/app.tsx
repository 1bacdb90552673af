import { computed, useSignalEffect } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, hasToken, messageOf, signInNeeded, signOut } from './api/client.js';
import { status } from './api/live.js';
import { InstancePage } from './instance/page.js';
import { notifyDone, notifyOnError, notifyProblem } from './state/notices.js';
import { undo } from './state/review.js';
import { go, route } from './state/route.js';
import { loadCategories, mayReview, me, openSession } from './state/session.js';
import { texts } from './texts/index.js';
import { Header } from './ui/header.js';
import { Help, helpIsOpen } from './ui/help.js';
import { Notices } from './ui/notices.js';
import { type Shortcut, useShortcuts } from './ui/shortcuts.js';
import { SignIn } from './ui/sign-in.js';
import { WorklistPage } from './worklist/page.js';

const networkInUse = computed(() => status.value?.network.sha256);

const keysEverywhere: readonly Shortcut[] = [
  { keys: ['?'], description: texts.keyHelp, run: () => (helpIsOpen.value = true) },
  { keys: ['w'], description: texts.pageTitles.worklist, run: () => go('#/') },
  { keys: ['d'], description: texts.pageTitles.dashboard, run: () => go('#/dashboard') },
  { keys: ['g'], description: texts.keyGrid, run: () => go('#/grid') },
  { keys: ['q'], description: texts.pageTitles.quality, run: () => go('#/report') },
  { keys: ['u'], description: texts.instanceUndo, run: undoOrSay },
];

export function App() {
  const [error, setError] = useState<unknown>();
  const network = useRef<string | undefined>(undefined);
  const open = () => {
    setError(undefined);
    openSession().catch(setError);
  };
  useEffect(open, []);
  useSignalEffect(() => {
    const before = network.current;
    network.current = networkInUse.value ?? before;
    if (before !== undefined && network.current !== before) notifyOnError(loadCategories());
  });
  useSignalEffect(() => {
    document.title = `${texts.pageTitles[route.value.page]} – ${texts.appName}`;
  });
  useShortcuts(texts.keysEverywhere, signInNeeded.value ? [] : keysEverywhere);
  if (signInNeeded.value) return <SignIn onSignedIn={open} />;
  return (
    <>
      <button type="button" class="skip" onClick={focusMain}>
        {texts.skipToContent}
      </button>
      <Header />
      <main id="main" tabIndex={-1} class={`page page-${route.value.page}`}>
        {me.value === undefined ? <Opening error={error} retry={open} /> : <Page />}
      </main>
      <Notices />
      <Help />
    </>
  );
}

/** Whoever may only look is told so: a key that does nothing says why. */
function undoOrSay(): void {
  if (mayReview.value) notifyOnError(undo());
  else if (me.value !== undefined) notifyDone(texts.instanceViewer(me.value.who));
}

/** By a button, since a link would change the fragment, which is the page's address. */
function focusMain(): void {
  document.getElementById('main')?.focus();
}

function Page() {
  const { value } = route;
  if (value.page === 'dashboard') return <Loaded key="dashboard" load={dashboard} />;
  if (value.page === 'quality') return <Loaded key="quality" load={qualityPage} />;
  if (value.page === 'grid') return <Loaded key="grid" load={grid} />;
  if (value.page === 'instance') return <InstancePage instance={value.instance} />;
  return <WorklistPage />;
}

const dashboard = () => import('./dashboard/dashboard.js').then(({ Dashboard }) => Dashboard);
const grid = () => import('./grid/grid.js').then(({ GridPage }) => GridPage);
const qualityPage = () => import('./quality/quality.js').then(({ QualityPage }) => QualityPage);

/** A page that few readers open: its code is loaded only then. */
function Loaded({ load }: { load: () => Promise<FunctionComponent> }) {
  const [Shown, setShown] = useState<FunctionComponent>();
  useEffect(() => {
    load().then(
      (page) => setShown(() => page),
      // The service has another version since this page was opened, or is away.
      () => notifyProblem(texts.errorVersion),
    );
  }, []);
  return Shown === undefined ? <p class="quiet">{texts.loading}</p> : <Shown />;
}

function Opening({ error, retry }: { error: unknown; retry: () => void }) {
  if (error === undefined) return <p class="quiet pad">{texts.opening}</p>;
  return (
    <div class="pad" role="alert">
      <p>{messageOf(error)}</p>
      <button type="button" onClick={retry}>
        {texts.tryAgain}
      </button>
      {error instanceof ApiError && error.status === 403 && hasToken() && (
        <button type="button" onClick={signOut}>
          {texts.signInAsAnother}
        </button>
      )}
    </div>
  );
}
