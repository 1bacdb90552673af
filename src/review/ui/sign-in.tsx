import { useState } from 'preact/hooks';
import { signIn, tokenRefused } from '../api/client.js';
import { texts } from '../texts/index.js';

/** Shown where neither Orthanc's plugin nor a token identifies the reader. */
export function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const [given, setGiven] = useState('');
  const submit = (event: Event) => {
    event.preventDefault();
    const token = given.trim();
    // No header can carry other characters, so the service could not refuse them.
    if (!/^[!-~]+$/.test(token)) {
      tokenRefused.value = true;
      return;
    }
    signIn(token);
    onSignedIn();
  };
  return (
    <main class="sign-in">
      <form onSubmit={submit}>
        <h1>{texts.appName}</h1>
        <p>{texts.signInIntro}</p>
        <label>
          {texts.signInToken}
          <input
            type="password"
            name="token"
            autocomplete="off"
            spellcheck={false}
            required
            value={given}
            onInput={(event) => setGiven(event.currentTarget.value)}
          />
        </label>
        {tokenRefused.value && (
          <p class="refused" role="alert">
            {texts.signInRefused}
          </p>
        )}
        <button type="submit" class="strong">
          {texts.signInSubmit}
        </button>
      </form>
    </main>
  );
}
