import { useSignalEffect } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { signInWanted, wordsOf } from './api/client.js';
import { Dashboard } from './dashboard/page.js';
import { InstancePage } from './instance/page.js';
import { go, route } from './state/route.js';
import { me, openSession } from './state/session.js';
import { Header } from './ui/header.js';
import { Help, helpIsOpen } from './ui/help.js';
import { Notices } from './ui/notices.js';
import { useShortcuts } from './ui/shortcuts.js';
import { SignIn } from './ui/sign-in.js';
import { WorklistPage } from './worklist/page.js';

const titles = { worklist: 'Worklist', study: 'Study', instance: 'Review', dashboard: 'Dashboard' };

export function App() {
  const [trouble, setTrouble] = useState<string>();
  const open = () => {
    setTrouble(undefined);
    openSession().catch((error: unknown) => setTrouble(wordsOf(error)));
  };
  useEffect(open, []);
  useSignalEffect(() => {
    document.title = `${titles[route.value.page]} – Plainview`;
  });
  useShortcuts('Everywhere', [
    { keys: ['?'], does: 'Show these keys', run: () => (helpIsOpen.value = true) },
    { keys: ['w'], does: 'Worklist', run: () => go('#/') },
    { keys: ['d'], does: 'Dashboard', run: () => go('#/dashboard') },
  ]);
  if (signInWanted.value) return <SignIn onToken={open} />;
  return (
    <>
      <button type="button" class="skip" onClick={skip}>
        Skip to the content
      </button>
      <Header />
      <main id="main" tabIndex={-1} class={`page page-${route.value.page}`}>
        {me.value === undefined ? <Opening trouble={trouble} again={open} /> : <Page />}
      </main>
      <Notices />
      <Help />
    </>
  );
}

/** A button, since a link would change the fragment, which is the page's address. */
function skip(): void {
  document.getElementById('main')?.focus();
}

function Page() {
  const { value } = route;
  if (value.page === 'dashboard') return <Dashboard />;
  if (value.page === 'instance') return <InstancePage instance={value.instance} />;
  return <WorklistPage />;
}

function Opening({ trouble, again }: { trouble: string | undefined; again: () => void }) {
  if (trouble === undefined) return <p class="quiet pad">Opening …</p>;
  return (
    <div class="pad" role="alert">
      <p>{trouble}</p>
      <button type="button" onClick={again}>
        Try again
      </button>
    </div>
  );
}
