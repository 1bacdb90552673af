import { useState } from 'preact/hooks';
import { tokenRefused, useToken } from '../api/client.js';

/** Asked where neither Orthanc's plugin nor a token says who one is. */
export function SignIn({ onToken }: { onToken: () => void }) {
  const [given, setGiven] = useState('');
  const submit = (event: Event) => {
    event.preventDefault();
    const token = given.trim();
    // No header could carry anything else, so no service could refuse it.
    if (!/^[!-~]+$/.test(token)) {
      tokenRefused.value = true;
      return;
    }
    useToken(token);
    onToken();
  };
  return (
    <main class="sign-in">
      <form onSubmit={submit}>
        <h1>Plainview</h1>
        <p>
          Who are you? Paste the token that you were given. It is kept with this tab; a browser that restores
          closed tabs brings it back. From Orthanc’s own pages none is needed.
        </p>
        <label>
          Token
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
            The service does not know this token.
          </p>
        )}
        <button type="submit" class="strong">
          Sign in
        </button>
      </form>
    </main>
  );
}
