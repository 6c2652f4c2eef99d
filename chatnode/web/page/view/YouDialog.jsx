import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Avatar } from './Avatar.jsx';
import { STATUSES } from './status.js';
import { useChanges } from './use-changes.js';

/** How others see the user, and whom the user has blocked. */
export function YouDialog({ self, onClose }) {
  useChanges(self);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const dialog = useRef(null);
  useLayoutEffect(() => {
    dialog.current.showModal();
    dialog.current.querySelector(':checked')?.focus();
    self.refresh();
  }, []);
  const act = async (change) => {
    setBusy(true);
    setProblem('');
    try {
      await change();
    } catch (error) {
      setProblem(error.message);
    }
    setBusy(false);
  };
  return (
    <dialog class="box" ref={dialog} onClose={onClose} onClick={(event) => event.target === dialog.current && onClose()} aria-labelledby="you-title" data-testid="you-dialog">
      <h2 id="you-title" dir="auto">
        {self.user}
      </h2>
      <fieldset>
        <legend>How others see you</legend>
        {STATUSES.map(({ value, name, note }) => (
          <label class="kind" key={value}>
            <input
              type="radio"
              name="status"
              value={value}
              checked={self.status === value}
              aria-disabled={busy}
              data-testid={`status-${value}`}
              onChange={() => act(() => self.setStatus(value))}
            />
            <span class="presence" data-status={value} />
            <span>
              <strong>{name}</strong>
              <small>{note}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <p class="problem" role="alert" data-testid="you-problem">
        {problem}
      </p>
      <section>
        <h3>Blocked</h3>
        {self.blocked.length === 0 && <p class="hint">Nobody. Whom you block can't write to you directly, nor invite you.</p>}
        <ul class="people blocked-list">
          {self.blocked.map((user) => (
            <li class="person" key={user} data-testid="blocked" data-user={user}>
              <Avatar name={user} small />
              <span class="person-name" title={user}>
                {user}
              </span>
              <button class="quiet" type="button" data-testid="unblock" aria-label={`Unblock ${user}`} onClick={() => act(() => self.block(user, true))}>
                Unblock
              </button>
            </li>
          ))}
        </ul>
      </section>
      <button class="quiet" type="button" onClick={onClose}>
        Close
      </button>
    </dialog>
  );
}
