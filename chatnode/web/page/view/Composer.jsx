import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './Icon.jsx';

const MOST_BYTES = 16 * 1024; // the node's limit of a text
const SHOWN_FROM = MOST_BYTES - 1024;
const encoder = new TextEncoder();

/** Where one writes to a room: a new message, an answer, an edit; or into a thread. */
export function Composer({ room, thread = 0 }) {
  const writing = thread ? {} : room.writing;
  const [text, setText] = useState(thread ? '' : room.draft);
  const field = useRef(null);
  useLayoutEffect(() => {
    if (writing.edit) setText(writing.edit.text);
    if (writing.edit || writing.replyTo) field.current.focus();
  }, [writing]);
  useLayoutEffect(() => fit(field.current), [text]);

  const size = encoder.encode(text).length;
  const sendable = text.trim() !== '' && size <= MOST_BYTES;
  const write = (value) => {
    if (!thread) room.draft = value;
    setText(value);
  };
  const send = (event) => {
    event.preventDefault();
    field.current.focus();
    if (!sendable) return;
    room.send({ text: text.trim(), thread: thread || undefined });
    write('');
  };
  const cancel = () => {
    room.write({});
    if (writing.edit) write('');
    field.current.focus();
  };
  const onInput = (event) => {
    write(event.target.value);
    if (event.target.value.trim() !== '') room.typing();
  };
  const onKeyDown = (event) => {
    // Enter also ends the composing of a Japanese or Chinese word.
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) send(event);
    else if (event.key === 'Escape' && (writing.edit || writing.replyTo)) cancel();
    else if (event.key === 'ArrowUp' && !event.altKey && text === '' && !thread) editLast(room);
    else return;
    event.stopPropagation();
  };
  const to = thread ? 'the thread' : room.direct ? room.title : `#${room.title}`;
  return (
    <form class="composer" onSubmit={send}>
      <Purpose writing={writing} onCancel={cancel} />
      <textarea
        id={thread ? 'thread-composer' : 'composer'}
        ref={field}
        data-testid={thread ? 'thread-composer' : 'composer'}
        rows={1}
        dir="auto"
        value={text}
        onInput={onInput}
        onKeyDown={onKeyDown}
        placeholder={`Message ${to}`}
        aria-label={`Message to ${thread ? 'the thread' : room.title}. Enter sends, Shift and Enter begins a new line.`}
        enterkeyhint="send"
      />
      {size > SHOWN_FROM && (
        <span class={size > MOST_BYTES ? 'size size-over' : 'size'} role="status">
          {MOST_BYTES - size} bytes left
        </span>
      )}
      <button class="send" data-testid={thread ? 'thread-send' : 'send'} disabled={!sendable} aria-label="Send" title="Send (Enter)">
        <Icon name="send" />
      </button>
    </form>
  );
}

function Purpose({ writing: { edit, replyTo }, onCancel }) {
  if (!edit && !replyTo) return null;
  return (
    <p class="purpose" data-testid="purpose">
      <span dir="auto">{edit ? 'Editing your message' : `Answering ${replyTo.sender}: ${replyTo.text}`}</span>
      <button type="button" class="icon-button" onClick={onCancel} aria-label={edit ? 'Leave the message as it is' : 'Answer nobody'}>
        <Icon name="close" />
      </button>
    </p>
  );
}

function editLast(room) {
  const own = room.timeline.sent.findLast(({ sender, deleted, code }) => sender === room.me && !deleted && !code);
  if (own) room.write({ edit: own });
}

function fit(area) {
  area.style.height = 'auto';
  area.style.height = `${area.scrollHeight}px`;
}
