import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './Icon.jsx';

const MOST_BYTES = 16 * 1024; // the node's limit of a text
const SHOWN_FROM = MOST_BYTES - 1024;
const encoder = new TextEncoder();

export function Composer({ room }) {
  const [text, setText] = useState(room.draft);
  const field = useRef(null);
  useLayoutEffect(() => fit(field.current), [text]);

  const size = encoder.encode(text).length;
  const sendable = text.trim() !== '' && size <= MOST_BYTES;
  const write = (value) => {
    room.draft = value;
    setText(value);
  };
  const send = (event) => {
    event.preventDefault();
    field.current.focus();
    if (!sendable) return;
    room.send(text.trim());
    write('');
  };
  const onInput = (event) => {
    write(event.target.value);
    if (event.target.value.trim() !== '') room.typing();
  };
  const onKeyDown = (event) => {
    // Enter also ends the composing of a Japanese or Chinese word.
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) send(event);
  };
  return (
    <form class="composer" onSubmit={send}>
      <textarea
        id="composer"
        ref={field}
        data-testid="composer"
        rows={1}
        value={text}
        onInput={onInput}
        onKeyDown={onKeyDown}
        placeholder={`Message ${room.direct ? room.title : `#${room.title}`}`}
        aria-label={`Message to ${room.title}. Enter sends, Shift and Enter begins a new line.`}
        enterkeyhint="send"
      />
      {size > SHOWN_FROM && (
        <span class={size > MOST_BYTES ? 'size size-over' : 'size'} role="status">
          {MOST_BYTES - size} bytes left
        </span>
      )}
      <button class="send" data-testid="send" disabled={!sendable} aria-label="Send" title="Send (Enter)">
        <Icon name="send" />
      </button>
    </form>
  );
}

function fit(area) {
  area.style.height = 'auto';
  area.style.height = `${area.scrollHeight}px`;
}
