import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { nameFrom, namesIn } from '../model/names.js';
import { uuid7 } from '../model/uuid7.js';

const KINDS = [
  ['group', 'Group', 'For its members, who are invited'],
  ['open', 'Open room', 'Everybody may read and write'],
  ['channel', 'Channel', 'Everybody may read; owners and moderators write'],
];

/** Makes a room of one's own. */
export function NewRoomDialog({ onCreate, onClose }) {
  const [kind, setKind] = useState('group');
  const [title, setTitle] = useState('');
  const [names, setNames] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const dialog = useRef(null);
  // A group is found by invitation; other rooms by a name that people can type.
  const group = useRef(`room:${uuid7()}`);
  useLayoutEffect(() => dialog.current.showModal(), []);

  const submit = async (event) => {
    event.preventDefault();
    const name = nameFrom(title);
    if (name === '') return;
    setBusy(true);
    setProblem('');
    try {
      await onCreate({ room: kind === 'group' ? group.current : `room:${name}`, kind, title: title.trim(), members: namesIn(names) });
    } catch (error) {
      setProblem(error.message);
      setBusy(false);
    }
  };
  return (
    <dialog class="box" ref={dialog} onClose={onClose} onClick={(event) => event.target === dialog.current && onClose()} aria-labelledby="new-room-title">
      <form onSubmit={submit}>
        <h2 id="new-room-title">Make a room</h2>
        <fieldset>
          <legend class="visually-hidden">What sort of room</legend>
          {KINDS.map(([value, name, note]) => (
            <label class="kind" key={value}>
              <input type="radio" name="kind" value={value} checked={kind === value} data-testid={`kind-${value}`} onChange={() => setKind(value)} />
              <span>
                <strong>{name}</strong>
                <small>{note}</small>
              </span>
            </label>
          ))}
        </fieldset>
        <label>
          Title
          <input value={title} maxLength={100} onInput={(event) => setTitle(event.target.value)} data-testid="create-title" autofocus />
        </label>
        <label>
          Members
          <input
            value={names}
            onInput={(event) => setNames(event.target.value)}
            data-testid="create-members"
            placeholder="Names, with commas between; or later"
            autocapitalize="off"
            autocomplete="off"
            spellcheck={false}
          />
        </label>
        <p class="problem" role="alert">
          {problem}
        </p>
        <button class="primary" data-testid="create" disabled={busy || nameFrom(title) === ''}>
          Make it
        </button>
        <button type="button" class="quiet" onClick={onClose}>
          Cancel
        </button>
      </form>
    </dialog>
  );
}
