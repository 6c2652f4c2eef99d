import { useCallback, useState } from 'preact/hooks';
import { ConnectionBanner } from './ConnectionState.jsx';
import { Composer } from './Composer.jsx';
import { Icon } from './Icon.jsx';
import { MessageList } from './MessageList.jsx';
import { PersonDetails } from './PersonDetails.jsx';
import { RoomDetails } from './RoomDetails.jsx';
import { ThreadPanel } from './ThreadPanel.jsx';
import { briefTime, momentName } from './times.js';
import { TypingLine } from './TypingLine.jsx';
import { useChanges } from './use-changes.js';
import { WhoIsHere } from './WhoIsHere.jsx';

export function Conversation({ room, link, otherUnread, drawerOpen, onMenu, onLeave }) {
  useChanges(room);
  const [beside, setBeside] = useState(null); // "details", or the offset at which a thread begins
  const about = room.direct ? 'About this person' : 'About this room';
  const close = useCallback(() => setBeside(null), []);
  return (
    <main class="conversation">
      <div class="conversation-main">
        <header class="conversation-head">
          <button class="icon-button phone-only" type="button" onClick={onMenu} aria-expanded={drawerOpen} aria-label={`Rooms, ${otherUnread} unread`}>
            <Icon name="menu" />
            {otherUnread > 0 && <span class="dot" />}
          </button>
          <h2 title={room.direct ? room.title : `${room.title} (${room.channel})`}>
            {!room.direct && <span class="hash-mark">#</span>}
            <bdi>{room.title}</bdi>
          </h2>
          {room.peer && <PeerState peer={room.peer} />}
          {room.membership === '' && room.rights.join && room.info && (
            <button class="quiet" type="button" data-testid="join" onClick={() => join(room)}>
              Join
            </button>
          )}
          {!room.who.secret && !room.problem && <WhoIsHere users={room.who.users} me={room.me} />}
          <button class="icon-button" type="button" aria-expanded={beside === 'details'} aria-label={about} title={about} data-testid="open-details" onClick={() => setBeside(beside === 'details' ? null : 'details')}>
            <Icon name="info" />
          </button>
        </header>
        <ConnectionBanner link={link} />
        <RoomBanner room={room} onLeave={onLeave} />
        {room.complaint && (
          <div class="banner banner-problem" role="alert" data-testid="complaint">
            <span>{room.complaint}</span>
            <button type="button" onClick={() => room.putAway()}>
              All right
            </button>
          </div>
        )}
        <MessageList room={room} version={room.version} sends={room.sends} onThread={setBeside} />
        <TypingLine names={room.typists.names} />
        {room.problem ? null : room.rights.write ? <Composer room={room} /> : <p class="silent" data-testid="silent">{silence(room)}</p>}
      </div>
      {beside === 'details' && (room.direct ? <PersonDetails room={room} onClose={close} /> : <RoomDetails room={room} onLeave={onLeave} onClose={close} />)}
      {beside > 0 && <ThreadPanel key={beside} room={room} first={beside} onClose={close} />}
    </main>
  );
}

/** An invitation, a block, or why the room is closed. */
function RoomBanner({ room, onLeave }) {
  if (room.membership === 'invited') {
    const { by } = room.info.me;
    return (
      <div class="banner" data-testid="invitation">
        <span>{by ? `${by} invites you to this room.` : 'You are invited to this room.'}</span>
        <button type="button" data-testid="accept" onClick={() => join(room)}>
          Join
        </button>
        <button type="button" onClick={onLeave}>
          Decline
        </button>
      </div>
    );
  }
  if (room.blocked) {
    return (
      <div class="banner" data-testid="blocked-banner">
        <span>You have blocked {room.title}, who can't write to you here.</span>
        <button type="button" data-testid="unblock-here" onClick={() => room.block(true)}>
          Unblock
        </button>
      </div>
    );
  }
  if (!room.problem) return null;
  return (
    <div class="banner banner-problem" role="alert">
      <span>{room.problem}</span>
      <button type="button" onClick={() => room.rejoin()}>
        Try again
      </button>
    </div>
  );
}

function PeerState({ peer: { status, lastSeen } }) {
  const words = status || (lastSeen > 0 ? `last seen ${briefTime(lastSeen)}` : '');
  return (
    <span class="peer" data-testid="peer" data-status={status}>
      {words}
    </span>
  );
}

async function join(room) {
  if (await room.act('join')) room.refresh();
}

function silence({ info, membership, mutedUntil }) {
  if (info?.archived) return 'This room is archived: nobody can write any more.';
  if (membership === 'invited') return 'Join to write here.';
  if (mutedUntil > 0) return `You are muted here until ${momentName(mutedUntil)}.`;
  return info?.kind === 'channel' ? 'Owners and moderators write in this channel.' : 'You may read here, and not write.';
}
