import { Avatar } from './Avatar.jsx';
import { Icon } from './Icon.jsx';
import { briefTime } from './times.js';

export function RoomItem({ room, open, onOpen, onLeave }) {
  const { last, unread, title } = room;
  return (
    <li class="room-row">
      <button
        type="button"
        class={unread > 0 ? 'room has-unread' : 'room'}
        aria-current={open ? 'page' : undefined}
        data-testid="room-item"
        data-room={room.channel}
        data-unread={unread}
        onClick={onOpen}
      >
        {room.direct ? <Avatar name={title} /> : <span class="hash" aria-hidden="true">#</span>}
        <span class="room-title" title={title}>
          <bdi>{title}</bdi>
        </span>
        <span class="room-time">{last && briefTime(last.time)}</span>
        <span class="room-preview">
          <bdi>{previewOf(room)}</bdi>
        </span>
        {unread > 0 && (
          <span class="badge" data-testid="unread" aria-label={`${unread} unread`}>
            {unread > 99 ? '99+' : unread}
          </span>
        )}
      </button>
      {onLeave && (
        <button class="room-leave" type="button" onClick={onLeave} aria-label={`Take ${title} off the list`} title="Take off the list">
          <Icon name="close" />
        </button>
      )}
    </li>
  );
}

function previewOf({ last, typists, problem, direct, me, membership }) {
  if (membership === 'invited') return <em>You are invited</em>;
  if (problem) return problem;
  if (typists.names.length > 0) return <em>typing…</em>;
  if (!last) return <em>No messages yet</em>;
  const who = last.sender === me ? 'You: ' : direct ? '' : `${last.sender}: `;
  return who + (last.deleted ? 'Message deleted' : last.text || last.attachments[0]?.name || '');
}
