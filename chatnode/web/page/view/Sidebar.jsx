import { Avatar } from './Avatar.jsx';
import { ConnectionState } from './ConnectionState.jsx';
import { Icon } from './Icon.jsx';
import { NewRoom } from './NewRoom.jsx';
import { RoomItem } from './RoomItem.jsx';
import { ThemeToggle } from './ThemeToggle.jsx';

export function Sidebar({ chat, onOpen, onDialog, onSignOut, onClose }) {
  return (
    <nav class="sidebar" aria-label="Rooms">
      <header class="sidebar-head">
        <img src="icon.svg" alt="" width="28" height="28" />
        <h1>chatfleet</h1>
        {chat.development && (
          <a class="icon-button" href="/fleet" aria-label="The fleet" title="The fleet">
            <Icon name="fleet" />
          </a>
        )}
        <button class="icon-button" type="button" onClick={() => onDialog('new')} aria-label="Make a room" title="Make a room" data-testid="new-room">
          <Icon name="edit" />
        </button>
        {chat.searchable && (
          <button class="icon-button" type="button" onClick={() => onDialog('search')} aria-label="Search messages" title="Search messages" data-testid="search">
            <Icon name="search" />
          </button>
        )}
        <button class="icon-button" type="button" onClick={() => onDialog('rooms')} aria-label="Find a room" title="Find a room (Ctrl K)">
          <Icon name="jump" />
        </button>
        <button class="icon-button phone-only" type="button" onClick={onClose} aria-label="Close the list of rooms">
          <Icon name="close" />
        </button>
      </header>
      <NewRoom me={chat.me} onOpen={onOpen} />
      <ul class="room-list" data-testid="room-list">
        {chat.ordered().map((room) => (
          <RoomItem
            key={room.channel}
            room={room}
            open={room === chat.current}
            onOpen={() => onOpen(room.channel)}
            onLeave={chat.rooms.size > 1 && !(room.direct && room.member) ? () => chat.leave(room.channel) : null}
          />
        ))}
      </ul>
      <footer class="sidebar-foot">
        <button class="you" type="button" onClick={() => onDialog('you')} aria-label={`${chat.me}: your status and whom you have blocked`} title="Your status and your blocks" data-testid="you">
          <Avatar name={chat.me} />
          <span class="me">
            <strong>
              <bdi>{chat.me}</bdi>
            </strong>
            <ConnectionState link={chat.link} status={chat.self.status} />
          </span>
        </button>
        <ThemeToggle />
        <button class="icon-button" type="button" onClick={onSignOut} aria-label="Sign out" title="Sign out" data-testid="sign-out">
          <Icon name="leave" />
        </button>
      </footer>
    </nav>
  );
}
