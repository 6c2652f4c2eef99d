import { Avatar } from './Avatar.jsx';
import { Icon } from './Icon.jsx';
import { exactTime } from './times.js';

const WORDS = { online: 'Online', away: 'Away' };

/** Beside a direct conversation: who the other one is, and whether the other may write. */
export function PersonDetails({ room, onClose }) {
  const { peer, blocked, title } = room;
  const yourself = peer.user === room.me;
  return (
    <aside class="panel" aria-label={`About ${title}`} data-testid="details">
      <header class="panel-head">
        <h3>About</h3>
        <button class="icon-button" type="button" onClick={onClose} aria-label="Close the details" data-testid="close-details">
          <Icon name="close" />
        </button>
      </header>
      <div class="panel-body person-card">
        <Avatar name={peer.user} />
        <h4 dir="auto">{title}</h4>
        <p class="room-kind">{WORDS[peer.status] ?? (peer.lastSeen > 0 ? `Last seen on ${exactTime(peer.lastSeen)}` : 'Offline')}</p>
        {!yourself && <p class="hint">{blocked && `You have blocked ${title}. `}Whom you block can't write to you directly, nor invite you.</p>}
        {!yourself && (
          <button type="button" class={blocked ? 'quiet' : 'quiet danger'} data-testid={blocked ? 'unblock' : 'block'} onClick={() => room.block(blocked)}>
            {blocked ? 'Unblock' : 'Block'}
          </button>
        )}
      </div>
    </aside>
  );
}
