// What the page reads out of a publication. Events come from other people's
// programs, so every field is checked before anything uses it.

/** The message in a publication, or null if it is another kind of event. */
export function messageOf(publication) {
  const event = publication.data;
  if (event?.type !== 'message' || typeof event.id !== 'string') return null;
  const sender = typeof event.sender === 'string' ? event.sender : publication.info?.user;
  if (typeof sender !== 'string' || !Number.isFinite(event.time)) return null;
  const isText = typeof event.text === 'string';
  return {
    id: event.id,
    sender,
    time: event.time,
    text: isText ? event.text : JSON.stringify(event.data ?? null, null, 2),
    code: !isText,
    offset: publication.offset,
  };
}

/** The typing signal in a publication, or null. */
export function typingOf(publication) {
  const event = publication.data;
  if (event?.type !== 'typing' || typeof event.sender !== 'string') return null;
  return { sender: event.sender, typing: event.typing === true };
}
