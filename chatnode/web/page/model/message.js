// What the page reads out of publications and of the node's answers. Events
// come from other people's programs, so every field is checked before use.

/**
 * The message in a publication, or null if it is another kind of event. asOf
 * is the offset up to which later events about it are contained in it.
 */
export function messageOf({ data: event, offset, info }) {
  if (event?.type !== 'message') return null;
  return message({ ...event, sender: event.sender ?? info?.user, offset }, offset);
}

/** A message as chat.messages tells it, with all that happened up to head; null if it can't be shown. */
export function messageFrom(told, head) {
  return message({ ...told, sender: told.sender ?? '' }, Math.max(head, told.offset));
}

/**
 * What a publication changes about an earlier message, or null: {kind: "edit"
 * or "delete", offset, message: what there is to show now} or {kind:
 * "reaction", offset, target, user, reaction, remove}.
 */
export function changeOf({ data: event, offset }) {
  if (offset === undefined || !Number.isSafeInteger(event?.target)) return null;
  const { type: kind, target } = event;
  if (kind === 'reaction') {
    const { sender: user, reaction, remove } = event;
    if (typeof user !== 'string' || typeof reaction !== 'string') return null;
    return { kind, offset, target, user, reaction, remove: remove === true };
  }
  const about = { id: event.of, time: event.sent, offset: target, thread: event.thread };
  if (kind === 'edit') {
    const now = message({ ...event, ...about, edited: event.time }, offset);
    return now && { kind, offset, target, message: now };
  }
  if (kind === 'delete') {
    const now = message({ ...about, sender: event.author, deleted: true }, offset);
    return now && { kind, offset, target, message: now };
  }
  return null;
}

/** The typing signal in a publication, or null. */
export function typingOf({ data: event }) {
  if (event?.type !== 'typing' || typeof event.sender !== 'string') return null;
  return { sender: event.sender, typing: event.typing === true };
}

/** How far somebody has read and got a room, or null: {user, read, delivered}. */
export function receiptOf({ data: event }) {
  if (event?.type !== 'receipt' || typeof event.user !== 'string') return null;
  return { user: event.user, read: numberOf(event.read), delivered: numberOf(event.delivered) };
}

function message(said, asOf) {
  const { id, sender, time, offset } = said;
  if (typeof id !== 'string' || typeof sender !== 'string' || !Number.isFinite(time)) return null;
  return {
    id,
    sender,
    time,
    offset,
    asOf,
    ...contentOf(said),
    thread: numberOf(said.thread),
    edited: numberOf(said.edited),
    deleted: said.deleted === true,
    reactions: listOf(said.reactions).map(({ reaction, count, users }) => ({ reaction, count: numberOf(count), users: listOf(users) })),
    replies: numberOf(said.replies),
  };
}

function contentOf(said) {
  const isText = typeof said.text === 'string';
  const isData = !isText && said.data !== undefined;
  return {
    text: isText ? said.text : isData ? JSON.stringify(said.data, null, 2) : '',
    code: isData,
    replyTo: typeof said.reply_to === 'string' ? said.reply_to : '',
    attachments: listOf(said.attachments).filter(isShown).map(({ url, name }) => ({ url, name: String(name || url) })),
  };
}

function isShown(attachment) {
  return typeof attachment?.url === 'string' && attachment.url.startsWith('https://');
}

function numberOf(value) {
  return Number.isSafeInteger(value) ? value : 0;
}

function listOf(value) {
  return Array.isArray(value) ? value : [];
}
