// Names of channels: "room:<id>" for rooms, "dm:<a>,<b>" for direct chats of
// two users. Users are sorted by their UTF-8 bytes, as the node sorts them.

const NAME_BYTES = 128;
const encoder = new TextEncoder();

export const LOBBY = 'room:lobby';

export function directChannel(a, b) {
  const users = compareBytes(a, b) <= 0 ? [a, b] : [b, a];
  return 'dm:' + users.map(escapeUser).join(',');
}

/** The two users of a direct chat, or null for every other channel. */
export function directUsers(channel) {
  if (!channel.startsWith('dm:')) return null;
  const users = channel.slice(3).split(',');
  return users.length === 2 ? users.map(unescapeUser) : null;
}

/** What to call a channel on the screen of the user me. */
export function describe(channel, me) {
  const users = directUsers(channel);
  if (users) {
    const other = users[0] === me ? users[1] : users[0];
    return { direct: true, title: other === me ? `${me} (you)` : other };
  }
  return { direct: false, title: channel.replace(/^room:/, '') };
}

/**
 * The channel that somebody means who typed this: "@ann" is a direct chat,
 * "room:x" and "dm:a,b" are themselves, anything else is a room's name.
 * Returns {channel} or {problem}.
 */
export function channelFrom(typed, me) {
  const name = typed.trim();
  if (name.startsWith('@')) return named(name.slice(1).trim(), (other) => directChannel(me, other));
  if (name.startsWith('dm:')) return directTo(name, me);
  return named(name.replace(/^(room:|#)/, '').trim(), (room) => 'room:' + room);
}

function directTo(channel, me) {
  const users = directUsers(channel);
  if (!users?.includes(me)) return { problem: 'A direct chat is named dm:you,other. Or type @name.' };
  return { channel: directChannel(...users) };
}

function named(name, channelOf) {
  if (name === '') return { problem: 'A name is missing.' };
  if (encoder.encode(name).length > NAME_BYTES) return { problem: `A name has at most ${NAME_BYTES} bytes.` };
  return { channel: channelOf(name) };
}

function escapeUser(user) {
  return user.replaceAll('%', '%25').replaceAll(',', '%2C');
}

function unescapeUser(escaped) {
  return escaped.replaceAll('%2C', ',').replaceAll('%25', '%');
}

function compareBytes(a, b) {
  const left = encoder.encode(a);
  const right = encoder.encode(b);
  for (let i = 0; i < left.length && i < right.length; i++) {
    if (left[i] !== right[i]) return left[i] - right[i];
  }
  return left.length - right.length;
}
