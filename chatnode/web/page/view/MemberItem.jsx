import { useRef, useState } from 'preact/hooks';
import { directChannel } from '../model/channel.js';
import { outranks } from '../model/rights.js';
import { Avatar } from './Avatar.jsx';
import { Icon } from './Icon.jsx';
import { placeFor, useDismiss } from './popover.js';
import { momentName } from './times.js';

const MUTE_S = 600;
const ROLES = ['reader', 'member', 'moderator', 'owner'];

/** One person of a room, and behind a button what one may do with that person. */
export function MemberItem({ member, members }) {
  const { room } = members;
  const { user, role, membership } = member;
  const [open, setOpen] = useState(''); // the classes that place the choices
  const box = useRef(null);
  useDismiss(open !== '', box, () => setOpen(''));
  const muted = member.muted_until > Date.now();
  const choices = choicesFor(room, member, muted);
  const blocked = room.self.hasBlocked(user);
  const choose = ([, method, request]) => {
    setOpen('');
    members.act(method, { user, ...request });
  };
  const block = () => {
    setOpen('');
    members.block(user, blocked);
  };
  return (
    <li class="person" data-testid="member" data-user={user} data-role={role} data-membership={membership} data-muted={muted}>
      <Avatar name={user} small />
      <span class="person-name" title={user}>
        <bdi>{user}</bdi>
        {user === room.me && <small> you</small>}
      </span>
      <small>{noteOf(member, muted)}</small>
      {user !== room.me && (
        <div class="person-menu" ref={box}>
          <button type="button" class="icon-button" aria-haspopup="true" aria-expanded={open !== ''} aria-label={`What you may do with ${user}`} data-testid="member-menu" onClick={(event) => setOpen(open ? '' : placeFor(event.currentTarget))}>
            <Icon name="more" />
          </button>
          {open && (
            <div class={open} role="group" aria-label={user}>
              <a class="choice" href={`#${encodeURIComponent(directChannel(room.me, user))}`} onClick={() => setOpen('')} data-testid="member-write">
                Write directly
              </a>
              {choices.map((choice) => (
                <button type="button" class="choice" key={choice[0]} data-testid={`member-${choice[1]}`} data-role={choice[2]?.role} onClick={() => choose(choice)}>
                  {choice[0]}
                </button>
              ))}
              <button type="button" class="choice" data-testid="member-block" onClick={block}>
                {blocked ? 'Unblock for yourself' : 'Block for yourself'}
              </button>
            </div>
          )}
        </div>
      )}
    </li>
  );
}

function noteOf({ membership, role, by, muted_until: until }, muted) {
  if (membership !== 'joined') return by ? `by ${by}` : '';
  return muted ? `muted until ${momentName(until)}` : role;
}

// [words, method, request]
function choicesFor({ me, info, rights }, { user, role, membership }, muted) {
  if (user === me || !rights.expel) return [];
  if (membership === 'banned') return [['Let come back', 'unban']];
  if (!outranks(info.me.role, role)) return [];
  const away = [
    ['Take out', 'kick'],
    ['Ban', 'ban'],
  ];
  if (membership === 'invited') return away;
  const roles = rights.setRole ? ROLES.filter((each) => each !== role).map((each) => [`Make ${each}`, 'set_role', { role: each }]) : [];
  return [...roles, muted ? ['Let speak again', 'mute', { seconds: 0 }] : ['Mute for 10 minutes', 'mute', { seconds: MUTE_S }], ...away];
}
