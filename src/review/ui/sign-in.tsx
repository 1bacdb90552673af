import { useEffect, useState } from 'preact/hooks';
import { refusal, signIn } from '../api/client.js';
import { goToProvider, providerOf } from '../api/provider.js';
import type { SignIn as Provider } from '../api/schema.js';
import { texts } from '../texts/index.js';
import { LanguageChoice } from './language-choice.js';

/** Shown where neither Orthanc's plugin nor a token identifies the reader. */
export function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const [given, setGiven] = useState('');
  const [provider, setProvider] = useState<Provider>();
  useEffect(() => void providerOf().then(setProvider), []);
  const submit = (event: Event) => {
    event.preventDefault();
    const token = given.trim();
    // No header can carry other characters, so the service could not refuse them.
    if (!/^[!-~]+$/.test(token)) {
      refusal.value = texts.signInRefused;
      return;
    }
    signIn(token);
    onSignedIn();
  };
  return (
    <main class="sign-in">
      <form onSubmit={submit}>
        <div class="title-row">
          <h1>{texts.appName}</h1>
          <LanguageChoice />
        </div>
        {provider !== undefined && (
          <button type="button" class="strong" onClick={() => void goToProvider(provider)}>
            {texts.signInAt(new URL(provider.authorizationEndpoint).host)}
          </button>
        )}
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
        {refusal.value !== undefined && (
          <p class="refused" role="alert">
            {refusal.value}
          </p>
        )}
        <button type="submit" class={provider === undefined ? 'strong' : 'plain'}>
          {texts.signInSubmit}
        </button>
      </form>
    </main>
  );
}
