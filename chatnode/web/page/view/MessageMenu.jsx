import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './Icon.jsx';
import { placeFor, useDismiss } from './popover.js';

const EMOJI = ['👍', '❤️', '😂', '🎉', '😮', '😢'];

/** The button beside a message, and behind it what one may do with the message. */
export function MessageMenu({ entry, mine, room, onThread }) {
  const [open, setOpen] = useState(''); // the classes that place it
  const box = useRef(null);
  const opener = useRef(null);
  const close = () => {
    setOpen('');
    opener.current.focus();
  };
  useDismiss(open !== '', box, close);
  const toggle = () => setOpen(open ? '' : placeFor(opener.current));
  return (
    <div class="message-menu" ref={box}>
      <button
        type="button"
        class="icon-button more"
        ref={opener}
        data-testid="message-menu"
        aria-haspopup="true"
        aria-expanded={open !== ''}
        aria-label="React, reply and more"
        onClick={toggle}
      >
        <Icon name="more" />
      </button>
      {open && <Choices place={open} entry={entry} mine={mine} room={room} onThread={onThread} onDone={close} />}
    </div>
  );
}

function Choices({ place, entry, mine, room, onThread, onDone }) {
  const list = useRef(null);
  const [sure, setSure] = useState(false);
  useEffect(() => list.current.querySelector('button')?.focus(), []);
  const { rights } = room;
  const then = (act) => () => {
    onDone();
    act();
  };
  const remove = () => (sure ? then(() => room.act('delete', { offset: entry.offset }))() : setSure(true));
  return (
    <div class={place} role="group" aria-label="This message" ref={list}>
      {rights.react && (
        <div class="emoji" role="group" aria-label="React">
          {EMOJI.map((emoji) => (
            <button type="button" key={emoji} data-testid="react" data-reaction={emoji} aria-label={`React with ${emoji}`} onClick={then(() => room.react(entry, emoji))}>
              {emoji}
            </button>
          ))}
        </div>
      )}
      {rights.write && <Choice icon="reply" id="reply" words="Reply" onChoose={then(() => room.write({ replyTo: entry }))} />}
      {rights.write && onThread && <Choice icon="thread" id="thread" words="Reply in a thread" onChoose={then(() => onThread(entry.thread || entry.offset))} />}
      {rights.write && mine && !entry.code && <Choice icon="edit" id="edit" words="Edit" onChoose={then(() => room.write({ edit: entry }))} />}
      {(rights.moderate || (rights.write && mine)) && <Choice icon="remove" id="delete" words={sure ? 'Delete for everybody?' : 'Delete'} onChoose={remove} />}
      {mine && room.member && !room.direct && <ReadBy entry={entry} room={room} />}
    </div>
  );
}

/** Who has read one's own message; the ticks tell it of direct conversations. */
function ReadBy({ entry, room }) {
  const [words, setWords] = useState('');
  useEffect(() => {
    const show = ({ marks = [] }) => {
      const readers = marks.filter(({ user, read }) => user !== room.me && read >= entry.offset).map(({ user }) => user);
      setWords(readers.length > 0 ? `Read by ${readers.join(', ')}` : 'Nobody has read it yet');
    };
    // Of rooms with very many members the node doesn't tell it.
    room.ask('read_by').then(show, (error) => setWords(error.message));
  }, []);
  return (
    <p class="read-by" role="status" data-testid="read-by">
      {words}
    </p>
  );
}

function Choice({ icon, id, words, onChoose }) {
  return (
    <button type="button" class="choice" data-testid={`choose-${id}`} onClick={onChoose}>
      <Icon name={icon} />
      {words}
    </button>
  );
}
