import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { snippet } from '../model/snippet.js';
import { Avatar } from './Avatar.jsx';
import { briefTime } from './times.js';

const SETTLE_MS = 250; // after the last key

/** Finds messages by their words; a press or Enter opens the room at that place. */
export function SearchDialog({ chat, onOpen, onClose }) {
  const [typed, setTyped] = useState('');
  const [here, setHere] = useState(!chat.current.member);
  const [chosen, setChosen] = useState(0);
  const dialog = useRef(null);
  useLayoutEffect(() => dialog.current.showModal(), []);
  const { found, note } = useFound(chat, typed.trim(), here ? chat.current.channel : undefined);

  const place = Math.min(chosen, found.length - 1);
  const onKeyDown = (event) => {
    if (event.key === 'ArrowDown' && found.length > 0) setChosen((place + 1) % found.length);
    else if (event.key === 'ArrowUp' && found.length > 0) setChosen((place - 1 + found.length) % found.length);
    else if (event.key === 'Enter' && found[place]) onOpen(found[place].room, found[place].offset);
    else return;
    event.preventDefault();
  };
  return (
    <dialog class="switcher" ref={dialog} onClose={onClose} onClick={(event) => event.target === dialog.current && onClose()} aria-label="Search messages">
      <input
        data-testid="search-input"
        value={typed}
        onInput={(event) => {
          setTyped(event.target.value);
          setChosen(0);
        }}
        onKeyDown={onKeyDown}
        placeholder="Words, or &quot;words in a row&quot;"
        role="combobox"
        aria-expanded="true"
        aria-controls="found"
        aria-activedescendant={found[place] && `found-${place}`}
        aria-label="Words to search for"
        autocomplete="off"
        autofocus
      />
      <label class="search-here">
        <input type="checkbox" checked={here} data-testid="search-here" onChange={(event) => setHere(event.target.checked)} />
        Only in {chat.current.title}
      </label>
      <ul id="found" role="listbox" aria-label="Messages">
        {found.map((message, i) => (
          <li
            key={`${message.room} ${message.offset}`}
            id={`found-${i}`}
            role="option"
            aria-selected={i === place}
            data-testid="found"
            onPointerEnter={() => setChosen(i)}
            onClick={() => onOpen(message.room, message.offset)}
          >
            <Avatar name={message.sender || '?'} small />
            <div class="found">
              <p class="found-head">
                <strong>
                  <bdi>{message.sender || 'Service'}</bdi>
                </strong>
                <small>
                  <bdi>{chat.titleOf(message.room)}</bdi>
                </small>
                <small>{briefTime(message.time)}</small>
              </p>
              <p class="found-text" dir="auto" data-testid="found-text">
                {snippet(message.text ?? '', typed)}
              </p>
            </div>
          </li>
        ))}
      </ul>
      <p class="search-note" role="status" data-testid="search-note">
        {note}
      </p>
    </dialog>
  );
}

/** What the node finds, a moment after the last key. */
function useFound(chat, query, room) {
  const [result, setResult] = useState({ found: [], note: '' });
  useEffect(() => {
    if (query === '') {
      setResult({ found: [], note: '' });
      return undefined;
    }
    let current = true;
    const show = (next) => current && setResult(next);
    const timer = setTimeout(async () => {
      try {
        const found = await chat.search(query, room);
        show({ found, note: found.length > 0 ? '' : 'Nothing found.' });
      } catch (error) {
        show({ found: [], note: error.message });
      }
    }, SETTLE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [query, room]);
  return result;
}
