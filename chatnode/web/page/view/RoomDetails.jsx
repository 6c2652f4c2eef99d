import { useEffect, useState } from 'preact/hooks';
import { Members } from '../session/members.js';
import { Icon } from './Icon.jsx';
import { InviteForm } from './InviteForm.jsx';
import { MemberItem } from './MemberItem.jsx';
import { useChanges } from './use-changes.js';

const KINDS = {
  open: 'Open: everybody may read and write',
  group: 'Group: for its members',
  channel: 'Channel: owners and moderators write',
};

/** Beside the conversation: what the room is, who belongs to it, and what one may change. */
export function RoomDetails({ room, onLeave, onClose }) {
  const [members] = useState(() => new Members(room));
  useEffect(() => () => members.end(), []);
  useChanges(members);
  const { rights, info } = room;
  return (
    <aside class="panel" aria-label={`About ${room.title}`} data-testid="details">
      <header class="panel-head">
        <h3>{room.title}</h3>
        <button class="icon-button" type="button" onClick={onClose} aria-label="Close the details" data-testid="close-details">
          <Icon name="close" />
        </button>
      </header>
      <div class="panel-body">
        <p class="room-kind">
          {KINDS[info?.kind] ?? ''}
          {info?.archived && ' (archived)'}
        </p>
        {members.problem && (
          <p class="problem" role="alert">
            {members.problem}
          </p>
        )}
        {rights.update && <Settings room={room} members={members} />}
        {(rights.invite || rights.add) && <InviteForm members={members} rights={rights} />}
        <People name="Members" list={members.joined} members={members} more={members.more} />
        <People name="Invited" list={members.invited} members={members} />
        <People name="Banned" list={members.banned} members={members} />
        <footer class="panel-foot">
          {rights.leave && (
            <button type="button" class="quiet" data-testid="leave" onClick={onLeave}>
              Leave the room
            </button>
          )}
          {rights.remove && info?.created > 0 && <RemoveRoom members={members} />}
        </footer>
      </div>
    </aside>
  );
}

function Settings({ room, members }) {
  const [title, setTitle] = useState(room.info.title ?? '');
  const rename = (event) => {
    event.preventDefault();
    members.act('update_room', { title: title.trim() });
  };
  return (
    <form class="settings" onSubmit={rename}>
      <label>
        Title
        <input value={title} maxLength={100} data-testid="title-input" onInput={(event) => setTitle(event.target.value)} />
      </label>
      <button class="quiet" disabled={title.trim() === (room.info.title ?? '')} data-testid="rename">
        Rename
      </button>
      <button class="quiet" type="button" data-testid="archive" onClick={() => members.act('update_room', { archived: !room.info.archived })}>
        {room.info.archived ? 'Open it again' : 'Archive'}
      </button>
    </form>
  );
}

function People({ name, list, members, more }) {
  if (list.length === 0) return null;
  return (
    <section>
      <h4>
        {name} · {list.length}
        {more && '+'}
      </h4>
      <ul class="people">
        {list.map((member) => (
          <MemberItem key={member.user} member={member} members={members} />
        ))}
      </ul>
    </section>
  );
}

function RemoveRoom({ members }) {
  const [sure, setSure] = useState(false);
  return (
    <button type="button" class="quiet danger" data-testid="delete-room" onClick={() => (sure ? members.act('delete_room') : setSure(true))}>
      {sure ? 'Delete it with all that was said?' : 'Delete the room'}
    </button>
  );
}
