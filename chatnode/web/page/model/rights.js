// What somebody may do in a room, as far as the page offers it. The node
// decides; this only keeps useless buttons away.

/** info: the room as the node tells it, with "me"; null while it isn't known. */
export function rightsOf(info, direct, now = Date.now()) {
  const kind = direct ? 'direct' : (info?.kind ?? 'open');
  const membership = info?.me?.membership ?? '';
  const joined = membership === 'joined';
  const invited = membership === 'invited';
  const role = joined ? info.me.role : '';
  const owner = role === 'owner' && !direct;
  const staff = (owner || role === 'moderator') && !direct;
  const live = !info?.archived;
  const muted = mutedUntil(info, now) > 0;
  const speaks = direct || (role !== 'reader' && (joined || kind === 'open'));
  const welcome = (kind === 'open' || kind === 'channel' || info?.join === 'open') && info?.join !== 'invite';
  return {
    write: live && !muted && (kind === 'channel' ? staff : speaks),
    react: live && !muted && speaks && (joined || kind !== 'channel'),
    moderate: staff,
    seeMembers: direct || joined || kind === 'open',
    join: live && !direct && !joined && (invited || welcome),
    leave: !direct && (joined || invited),
    invite: live && !direct && joined && (kind === 'channel' ? staff : role !== 'reader'),
    add: live && staff,
    expel: staff,
    setRole: owner,
    update: owner,
    remove: owner,
  };
}

/** Until when the user may not speak there, in milliseconds since 1970; 0: now. */
export function mutedUntil(info, now = Date.now()) {
  const until = info?.me?.muted_until ?? 0;
  return until > now ? until : 0;
}

const RANKS = ['reader', 'member', 'moderator', 'owner'];

/** Whether somebody of a role stands above another. */
export function outranks(role, other) {
  return RANKS.indexOf(role) > RANKS.indexOf(other);
}
