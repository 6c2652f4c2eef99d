import { useEffect, useState } from 'preact/hooks';
import { statusName } from './status.js';
import { useChanges } from './use-changes.js';

const PATIENCE_S = 4; // until then a first connection is nothing to talk about

const WORDS = {
  connecting: 'Connecting…',
  reconnecting: 'Reconnecting…',
  offline: 'No network',
  closed: 'Disconnected',
};

/** The small line under the user's name: the connection, and while there is one, how others see the user. */
export function ConnectionState({ link, status }) {
  useChanges(link);
  return (
    <span class="connection" role="status" data-testid="connection-state" data-state={link.state} data-status={status}>
      {WORDS[link.state] ?? statusName(status)}
    </span>
  );
}

/** What to know and do while there is no connection, across the open room. */
export function ConnectionBanner({ link }) {
  useChanges(link);
  const seconds = useSecondsSince(link.lostAt);
  if (link.state === 'connected' || (link.state === 'connecting' && seconds < PATIENCE_S)) return null;
  return (
    <div class="banner" data-testid="connection-banner">
      <span>{sentence(link, seconds)}</span>
      <button type="button" onClick={() => link.tryNow()}>
        Try now
      </button>
    </div>
  );
}

function sentence({ state, reason }, seconds) {
  if (state === 'closed') return `Disconnected${reason ? `: ${reason}` : ''}. Sign in again if this stays.`;
  const away = seconds > 2 ? ` for ${seconds} s` : '';
  if (state === 'offline') return `No network${away}. What you write is sent when it is back.`;
  if (state === 'connecting') return `The node has not answered${away}. Trying again and again.`;
  return `Reconnecting${away ? `, away${away}` : ''}. What you write is sent as soon as the node answers.`;
}

function useSecondsSince(start) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!start) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [start]);
  return start ? Math.max(0, Math.round((now - start) / 1000)) : 0;
}
