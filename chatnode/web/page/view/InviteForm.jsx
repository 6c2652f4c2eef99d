import { useState } from 'preact/hooks';
import { namesIn } from '../model/names.js';

/** Names of users to invite, or to make members at once. */
export function InviteForm({ members, rights }) {
  const [names, setNames] = useState('');
  const ask = async (add) => {
    const users = namesIn(names);
    if (users.length > 0 && (await members.act('invite', { users, add }))) setNames('');
  };
  const submit = (event) => {
    event.preventDefault();
    ask(rights.invite ? undefined : true);
  };
  return (
    <form class="settings" onSubmit={submit}>
      <label>
        Invite
        <input
          value={names}
          data-testid="invite-input"
          placeholder="Names, with commas between"
          onInput={(event) => setNames(event.target.value)}
          autocapitalize="off"
          autocomplete="off"
          spellcheck={false}
        />
      </label>
      {rights.invite && (
        <button class="quiet" data-testid="invite">
          Invite
        </button>
      )}
      {rights.add && (
        <button class="quiet" type="button" data-testid="add" onClick={() => ask(true)} title="They become members without being asked">
          Add at once
        </button>
      )}
    </form>
  );
}
