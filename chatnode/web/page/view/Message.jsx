import { Avatar, hueOf } from './Avatar.jsx';
import { Icon } from './Icon.jsx';
import { Linked } from './Linked.jsx';
import { MessageMenu } from './MessageMenu.jsx';
import { Reactions } from './Reactions.jsx';
import { exactTime, timeOfDay } from './times.js';

const SERVER = 'Service'; // who speaks when the application itself does

export function Message({ row, room, onThread }) {
  const { entry, first, last } = row;
  const mine = entry.sender === room.me;
  const kinds = [mine && 'mine', first && 'first', last && 'last', entry.deleted && 'deleted', room.jump !== null && room.jump.offset === entry.offset && 'sought'];
  return (
    <article
      class={['message', ...kinds].filter(Boolean).join(' ')}
      data-testid="message"
      data-key={row.key}
      data-id={entry.id}
      data-offset={entry.offset}
      data-state={entry.state}
    >
      {!mine && first && <Avatar name={entry.sender || SERVER} />}
      {!mine && first && (
        <strong class="sender" dir="auto" style={{ '--hue': hueOf(entry.sender || SERVER) }}>
          {entry.sender || SERVER}
        </strong>
      )}
      {mine && <span class="visually-hidden">You:</span>}
      <div class="bubble-row">
        <div class="bubble" dir="auto">
          {entry.replyTo && !entry.deleted && <Quotation of={room.timeline.withId(entry.replyTo)} onOpen={(offset) => room.goTo(offset)} />}
          <Text entry={entry} />
          <Attachments list={entry.attachments} />
          <Stamp entry={entry} mine={mine} state={mine ? stateOf(entry, room.peer) : entry.state} />
        </div>
        {entry.state === 'sent' && !entry.deleted && <MessageMenu entry={entry} mine={mine} room={room} onThread={onThread} />}
      </div>
      <Reactions entry={entry} room={room} />
      {onThread && <ThreadLink entry={entry} onThread={onThread} />}
      {entry.state === 'failed' && <Failure entry={entry} room={room} />}
    </article>
  );
}

function Text({ entry }) {
  if (entry.deleted) {
    return (
      <em class="text" data-testid="message-text">
        Message deleted
      </em>
    );
  }
  if (entry.code) return <pre data-testid="message-text">{entry.text}</pre>;
  return <Linked text={entry.text} data-testid="message-text" />;
}

function Attachments({ list }) {
  return list.map(({ url, name }) => (
    <a class="attachment" href={url} target="_blank" rel="noopener noreferrer nofollow" key={url}>
      {name}
    </a>
  ));
}

function Quotation({ of, onOpen }) {
  if (!of) return <p class="quotation" dir="ltr">In answer to an older message</p>;
  return (
    <button type="button" class="quotation" dir="auto" data-testid="quotation" onClick={() => onOpen(of.offset)} aria-label={`In answer to ${of.sender}: ${of.text}. Shows that message.`}>
      <strong>{of.sender || SERVER}</strong> {of.deleted ? 'Message deleted' : of.text}
    </button>
  );
}

function ThreadLink({ entry, onThread }) {
  if (entry.thread === 0 && entry.replies === 0) return null;
  const words = entry.thread > 0 ? 'In a thread' : entry.replies === 1 ? '1 reply' : `${entry.replies} replies`;
  return (
    <button type="button" class="thread-link" data-testid="thread-link" onClick={() => onThread(entry.thread || entry.offset)}>
      <Icon name="thread" />
      {words}
    </button>
  );
}

const STATES = {
  pending: ['clock', 'Sending'],
  sent: ['check', 'Sent'],
  delivered: ['checks', 'Delivered'],
  read: ['checks', 'Read'],
  failed: ['alert', 'Not sent'],
};

// How far one's own message has come to the other of a direct conversation.
function stateOf({ state, offset }, peer) {
  if (state !== 'sent' || !peer) return state;
  if (peer.read >= offset) return 'read';
  return peer.delivered >= offset ? 'delivered' : state;
}

function Stamp({ entry, mine, state }) {
  const [icon, label] = STATES[state];
  return (
    <span class="stamp">
      {entry.edited > 0 && <span title={exactTime(entry.edited)}>edited</span>}
      <time dir="ltr" dateTime={new Date(entry.time).toISOString()} title={exactTime(entry.time)}>
        {timeOfDay(entry.time)}
      </time>
      {mine && (
        <span role="img" aria-label={label} title={label} data-testid="tick" data-tick={state}>
          <Icon name={icon} />
        </span>
      )}
    </span>
  );
}

function Failure({ entry, room }) {
  return (
    <p class="failure" role="alert">
      <span>Not sent: {entry.reason}</span>
      <button type="button" data-testid="retry" onClick={() => room.retry(entry)}>
        Try again
      </button>
      <button type="button" data-testid="discard" onClick={() => room.discard(entry)}>
        Discard
      </button>
    </p>
  );
}
