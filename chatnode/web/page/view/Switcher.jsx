import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { channelFrom, describe } from '../model/channel.js';
import { Avatar } from './Avatar.jsx';

/** The box behind Ctrl K: type, choose with the arrows, Enter opens. */
export function Switcher({ chat, onOpen, onClose }) {
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState(0);
  const dialog = useRef(null);
  useLayoutEffect(() => dialog.current.showModal(), []);

  const choices = choicesFor(chat, typed);
  const place = Math.min(chosen, choices.length - 1);
  const onKeyDown = (event) => {
    if (event.key === 'ArrowDown') setChosen((place + 1) % choices.length);
    else if (event.key === 'ArrowUp') setChosen((place - 1 + choices.length) % choices.length);
    else if (event.key === 'Enter' && choices[place]) onOpen(choices[place].channel);
    else return;
    event.preventDefault();
  };
  return (
    <dialog class="switcher" ref={dialog} onClose={onClose} onClick={(event) => event.target === dialog.current && onClose()} aria-label="Find a room">
      <input
        data-testid="switcher-input"
        value={typed}
        onInput={(event) => {
          setTyped(event.target.value);
          setChosen(0);
        }}
        onKeyDown={onKeyDown}
        placeholder="Find a room, or @name"
        role="combobox"
        aria-expanded="true"
        aria-controls="switcher-choices"
        aria-activedescendant={choices[place] && `choice-${place}`}
        autocomplete="off"
        spellcheck={false}
        autofocus
      />
      <ul id="switcher-choices" role="listbox" aria-label="Rooms">
        {choices.map((choice, i) => (
          <li key={choice.channel} id={`choice-${i}`} role="option" aria-selected={i === place} onPointerEnter={() => setChosen(i)} onClick={() => onOpen(choice.channel)}>
            {choice.direct ? <Avatar name={choice.title} small /> : <span class="hash" aria-hidden="true">#</span>}
            <span class="choice-title">{choice.title}</span>
            <small>{choice.note}</small>
          </li>
        ))}
      </ul>
    </dialog>
  );
}

// Rooms on the list whose title has what was typed, then the room of that name.
function choicesFor(chat, typed) {
  const sought = typed.trim().toLowerCase().replace(/^[@#]/, '');
  const listed = chat
    .ordered()
    .filter(({ title }) => title.toLowerCase().includes(sought))
    .map(({ channel, title, direct, unread }) => ({ channel, title, direct, note: unread > 0 ? `${unread} unread` : '' }));
  const { channel } = channelFrom(typed, chat.me);
  if (!channel || listed.some((choice) => choice.channel === channel)) return listed;
  const { title, direct } = describe(channel, chat.me);
  return [...listed, { channel, title, direct, note: direct ? 'start a chat' : 'join or create' }];
}
