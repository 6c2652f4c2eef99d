/** What people reacted to a message; a press adds one's own or takes it back. */
export function Reactions({ entry, room }) {
  if (entry.reactions.length === 0) return null;
  return (
    <ul class="reactions">
      {entry.reactions.map(({ reaction, count, users }) => {
        const mine = users.includes(room.me);
        return (
          <li key={reaction}>
            <button
              type="button"
              data-testid="reaction"
              data-reaction={reaction}
              data-count={count}
              aria-pressed={mine}
              aria-label={`${reaction} by ${users.join(', ')}${count > users.length ? ' and others' : ''}`}
              title={users.join(', ')}
              disabled={!room.rights.react}
              onClick={() => room.react(entry, reaction)}
            >
              {reaction} {count}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
