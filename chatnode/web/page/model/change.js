// What later events make of a message. Each has an offset of its own; what a
// message already contains (up to its asOf) changes nothing a second time.

/** The entry after the change; the entry itself if it knew already. */
export function after(entry, change) {
  if (change.offset <= entry.asOf || entry.deleted) return entry;
  const now = { ...entry, asOf: change.offset };
  if (change.kind === 'reaction') return { ...now, reactions: react(entry.reactions, change) };
  if (change.kind === 'replies') return { ...now, replies: Math.max(0, entry.replies + change.by) };
  const { text, code, attachments, edited, deleted } = change.message;
  return { ...now, text, code, attachments, edited, deleted, reactions: deleted ? [] : entry.reactions };
}

/** Reactions with one more or one less. Only the first users are named, so one who isn't may be among the others. */
function react(reactions, { reaction, user, remove }) {
  const known = reactions.find((each) => each.reaction === reaction) ?? { reaction, count: 0, users: [] };
  const named = known.users.includes(user);
  if (named !== remove && (named || (remove && known.count <= known.users.length))) return reactions;
  const users = remove ? known.users.filter((each) => each !== user) : [...known.users, user];
  const count = known.count + (remove ? -1 : 1);
  const others = (each) => (each.reaction === reaction ? { reaction, count, users } : each);
  const all = known.count === 0 ? [...reactions, { reaction, count, users }] : reactions.map(others);
  return all.filter((each) => each.count > 0);
}
