import { useState } from 'preact/hooks';
import { channelFrom } from '../model/channel.js';
import { Icon } from './Icon.jsx';

export function NewRoom({ me, onOpen }) {
  const [typed, setTyped] = useState('');
  const [problem, setProblem] = useState('');

  const submit = (event) => {
    event.preventDefault();
    const found = channelFrom(typed, me);
    if (found.problem) {
      setProblem(found.problem);
      return;
    }
    setTyped('');
    onOpen(found.channel);
  };
  return (
    <form class="new-room" onSubmit={submit}>
      <input
        data-testid="new-room-input"
        value={typed}
        onInput={(event) => {
          setTyped(event.target.value);
          setProblem('');
        }}
        placeholder="Join a room, or @name"
        aria-label="Join or create a room by its name, or type @ and a name for a direct chat"
        aria-describedby="new-room-problem"
        autocapitalize="off"
        autocomplete="off"
        spellcheck={false}
      />
      <button class="icon-button" aria-label="Join" title="Join or create">
        <Icon name="plus" />
      </button>
      <p id="new-room-problem" class="problem" role="alert">
        {problem}
      </p>
    </form>
  );
}
