import { useEffect, useState } from 'preact/hooks';
import { Conversation } from './Conversation.jsx';
import { NewRoomDialog } from './NewRoomDialog.jsx';
import { Notices } from './Notices.jsx';
import { SearchDialog } from './SearchDialog.jsx';
import { Sidebar } from './Sidebar.jsx';
import { Switcher } from './Switcher.jsx';
import { useChanges } from './use-changes.js';
import { YouDialog } from './YouDialog.jsx';

export function ChatView({ chat, onSignOut }) {
  useChanges(chat);
  const [drawer, setDrawer] = useState(false);
  const [dialog, setDialog] = useState(''); // "rooms", "search", "new" or "you"
  const room = chat.current;

  useEffect(() => {
    document.title = (chat.unread > 0 ? `(${chat.unread}) ` : '') + `${room.title} · chatfleet`;
  });
  useEffect(() => {
    const onKey = (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setDialog('rooms');
      } else if (event.altKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
        event.preventDefault();
        openNeighbour(chat, event.key === 'ArrowUp' ? -1 : 1);
      } else if (event.key === 'Escape') {
        setDrawer(false);
        focusComposer();
      }
    };
    addEventListener('keydown', onKey);
    focusComposer();
    return () => removeEventListener('keydown', onKey);
  }, [chat]);

  const open = (channel, at) => {
    setDrawer(false);
    setDialog('');
    chat.open(channel, at);
    focusComposer();
  };
  const create = async (request) => {
    await chat.create(request);
    setDialog('');
    setDrawer(false);
    focusComposer();
  };
  const close = () => setDialog('');
  return (
    <div class={drawer ? 'chat drawer-open' : 'chat'}>
      <Notices chat={chat} />
      <Sidebar chat={chat} onOpen={open} onDialog={setDialog} onSignOut={onSignOut} onClose={() => setDrawer(false)} />
      <div class="scrim" onClick={() => setDrawer(false)} />
      <Conversation key={room.channel} room={room} link={chat.link} otherUnread={chat.unread - room.unread} drawerOpen={drawer} onMenu={() => setDrawer(true)} onLeave={() => chat.leave(room.channel)} />
      {dialog === 'search' && <SearchDialog chat={chat} onOpen={open} onClose={close} />}
      {dialog === 'new' && <NewRoomDialog onCreate={create} onClose={close} />}
      {dialog === 'rooms' && <Switcher chat={chat} onOpen={open} onClose={close} />}
      {dialog === 'you' && <YouDialog self={chat.self} onClose={close} />}
      <div class="visually-hidden" aria-live="polite">
        {chat.heard}
      </div>
    </div>
  );
}

function openNeighbour(chat, step) {
  const channels = chat.ordered().map(({ channel }) => channel);
  const place = channels.indexOf(chat.current.channel) + step;
  chat.open(channels.at(place % channels.length));
  focusComposer();
}

// A phone would cover half the room with its keyboard.
function focusComposer() {
  if (matchMedia('(hover: hover)').matches) requestAnimationFrame(() => document.getElementById('composer')?.focus());
}
