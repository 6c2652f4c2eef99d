import { useEffect, useRef, useState } from 'preact/hooks';
import { developmentToken } from '../session/identity.js';
import { ThemeToggle } from './ThemeToggle.jsx';

export function SignIn({ onSignIn }) {
  const [name, setName] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const field = useRef(null);
  useEffect(() => field.current.focus(), []);

  const submit = async (event) => {
    event.preventDefault();
    const user = name.trim();
    if (user === '' || busy) return;
    setBusy(true);
    setProblem('');
    try {
      await developmentToken(user);
      onSignIn(user);
    } catch (error) {
      setProblem(error instanceof TypeError || error.name === 'TimeoutError' ? 'The node does not answer.' : error.message);
      setBusy(false);
    }
  };

  return (
    <main class="sign-in">
      <div class="sign-in-theme">
        <ThemeToggle />
      </div>
      <form class="sign-in-card" onSubmit={submit}>
        <img class="sign-in-logo" src="icon.svg" alt="" width="56" height="56" />
        <h1>Welcome to chatfleet</h1>
        <p>Choose a name and start chatting. Every message you see as sent is stored.</p>
        <label for="name">Your name</label>
        <input
          id="name"
          data-testid="name-input"
          value={name}
          onInput={(event) => setName(event.target.value)}
          maxLength={64}
          autocomplete="username"
          autocapitalize="off"
          spellcheck={false}
          placeholder="ann"
          ref={field}
          aria-describedby="sign-in-problem"
        />
        <button class="primary" data-testid="sign-in" disabled={busy || name.trim() === ''}>
          {busy ? 'Signing in…' : 'Start chatting'}
        </button>
        <p id="sign-in-problem" class="problem" role="alert">
          {problem}
        </p>
      </form>
    </main>
  );
}
