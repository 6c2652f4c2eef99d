import { useRef, useState } from 'preact/hooks';
import { Avatar } from './Avatar.jsx';
import { Icon } from './Icon.jsx';
import { useDismiss } from './popover.js';

const FACES = 3;

export function WhoIsHere({ users, me }) {
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  useDismiss(open, box, () => setOpen(false));

  return (
    <div class="who" ref={box}>
      <button
        type="button"
        class="who-button"
        data-testid="who"
        data-users={users.join(' ')}
        aria-expanded={open}
        aria-label={`Here now: ${users.join(', ') || 'nobody'}`}
        onClick={() => setOpen(!open)}
      >
        <span class="faces">
          {users.slice(0, FACES).map((user) => (
            <Avatar key={user} name={user} small />
          ))}
        </span>
        <Icon name="people" />
        {users.length}
      </button>
      {open && (
        <div class="who-list" role="group" aria-label="Here now">
          <h3>Here now</h3>
          <ul>
            {users.map((user) => (
              <li key={user}>
                <Avatar name={user} small />
                <span>{user}</span>
                {user === me && <small>you</small>}
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}
