import { Icon } from './Icon.jsx';
import { Linked } from './Linked.jsx';

/** Across the top: what the application tells everybody, and what the page has to say. */
export function Notices({ chat }) {
  return (
    <div class="notices" role="status" aria-label="Notices">
      {chat.notices.map((notice) => (
        <div class="notice" key={notice.key} data-testid="notice" data-kind={notice.kind}>
          <Icon name={notice.kind === 'announcement' ? 'announcement' : 'info'} />
          {notice.kind === 'announcement' && <strong class="visually-hidden">Announcement:</strong>}
          <Linked text={notice.text} dir="auto" />
          <button class="icon-button" type="button" onClick={() => chat.putAway(notice)} aria-label="Put away" title="Put away" data-testid="put-away">
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
