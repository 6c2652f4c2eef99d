import { ConnectionBanner } from './ConnectionState.jsx';
import { Composer } from './Composer.jsx';
import { Icon } from './Icon.jsx';
import { MessageList } from './MessageList.jsx';
import { TypingLine } from './TypingLine.jsx';
import { useChanges } from './use-changes.js';
import { WhoIsHere } from './WhoIsHere.jsx';

export function Conversation({ room, link, otherUnread, drawerOpen, onMenu }) {
  useChanges(room);
  return (
    <main class="conversation">
      <header class="conversation-head">
        <button class="icon-button phone-only" type="button" onClick={onMenu} aria-expanded={drawerOpen} aria-label={`Rooms, ${otherUnread} unread`}>
          <Icon name="menu" />
          {otherUnread > 0 && <span class="dot" />}
        </button>
        <h2 title={room.channel}>
          {!room.direct && <span class="hash-mark">#</span>}
          {room.title}
        </h2>
        <WhoIsHere users={room.who.users} me={room.me} />
      </header>
      <ConnectionBanner link={link} />
      {room.problem && (
        <div class="banner banner-problem" role="alert">
          <span>{room.problem}</span>
          <button type="button" onClick={() => room.rejoin()}>
            Try again
          </button>
        </div>
      )}
      <MessageList room={room} version={room.version} sends={room.sends} />
      <TypingLine names={room.typists.names} />
      <Composer room={room} />
    </main>
  );
}
