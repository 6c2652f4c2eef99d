import { linkify } from '../model/linkify.js';
import { Avatar, hueOf } from './Avatar.jsx';
import { Icon } from './Icon.jsx';
import { exactTime, timeOfDay } from './times.js';

export function Message({ row, mine, onRetry, onDiscard }) {
  const { entry, first, last } = row;
  return (
    <article
      class={['message', mine && 'mine', first && 'first', last && 'last'].filter(Boolean).join(' ')}
      data-testid="message"
      data-key={row.key}
      data-id={entry.id}
      data-state={entry.state}
    >
      {!mine && first && <Avatar name={entry.sender} />}
      {!mine && first && (
        <strong class="sender" style={{ '--hue': hueOf(entry.sender) }}>
          {entry.sender}
        </strong>
      )}
      {mine && <span class="visually-hidden">You:</span>}
      <div class="bubble">
        <Text entry={entry} />
        <Stamp entry={entry} mine={mine} />
      </div>
      {entry.state === 'failed' && <Failure entry={entry} onRetry={onRetry} onDiscard={onDiscard} />}
    </article>
  );
}

function Text({ entry }) {
  if (entry.code) return <pre data-testid="message-text">{entry.text}</pre>;
  return (
    <span class="text" dir="auto" data-testid="message-text">
      {linkify(entry.text).map(({ text, href }) =>
        href ? (
          <a href={href} target="_blank" rel="noopener noreferrer nofollow">
            {text}
          </a>
        ) : (
          text
        ),
      )}
    </span>
  );
}

const STATES = { pending: ['clock', 'Sending'], sent: ['check', 'Sent'], failed: ['alert', 'Not sent'] };

function Stamp({ entry, mine }) {
  const [icon, label] = STATES[entry.state];
  return (
    <span class="stamp">
      <time dateTime={new Date(entry.time).toISOString()} title={exactTime(entry.time)}>
        {timeOfDay(entry.time)}
      </time>
      {mine && (
        <span role="img" aria-label={label} title={label}>
          <Icon name={icon} />
        </span>
      )}
    </span>
  );
}

function Failure({ entry, onRetry, onDiscard }) {
  return (
    <p class="failure" role="alert">
      <span>Not sent: {entry.reason}</span>
      <button type="button" data-testid="retry" onClick={() => onRetry(entry)}>
        Try again
      </button>
      <button type="button" data-testid="discard" onClick={() => onDiscard(entry)}>
        Discard
      </button>
    </p>
  );
}
