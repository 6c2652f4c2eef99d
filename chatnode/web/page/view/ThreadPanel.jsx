import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { rows } from '../model/rows.js';
import { Thread } from '../session/thread.js';
import { Composer } from './Composer.jsx';
import { Icon } from './Icon.jsx';
import { Message } from './Message.jsx';
import { useChanges } from './use-changes.js';

/** Beside the conversation: one thread, and where one writes into it. */
export function ThreadPanel({ room, first, onClose }) {
  const [thread] = useState(() => new Thread(room, first));
  useEffect(() => () => thread.end(), []);
  useChanges(thread);
  const list = useRef(null);
  const { entries, problem } = thread;
  useLayoutEffect(() => {
    list.current.scrollTop = list.current.scrollHeight;
  }, [entries.length]);
  const never = () => false;
  return (
    <aside class="panel" aria-label="Thread" data-testid="thread">
      <header class="panel-head">
        <h3>Thread</h3>
        <button class="icon-button" type="button" onClick={onClose} aria-label="Close the thread" data-testid="close-thread">
          <Icon name="close" />
        </button>
      </header>
      <div class="messages" ref={list} role="log" aria-live="off" aria-label="Messages of the thread" tabIndex={0}>
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        {rows(entries, never)
          .filter(({ kind }) => kind === 'message')
          .map((row) => (
            <Message key={row.key} row={row} room={room} />
          ))}
      </div>
      {room.rights.write && <Composer room={room} thread={first} />}
    </aside>
  );
}
