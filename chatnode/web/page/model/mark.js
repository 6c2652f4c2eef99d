// How far somebody has read a room. {epoch, offset, time} of the newest message
// seen, as the page remembers it: offsets of another epoch count something
// else; then time decides. Or {offset, since} of a member, as the node keeps
// it: what was said before the membership doesn't count.

export function markAt(message, epoch) {
  return { epoch, offset: message.offset, time: message.time };
}

export function isAfter(message, mark, epoch) {
  if (!mark) return true;
  if (mark.since !== undefined) return message.offset > mark.offset && message.time >= mark.since;
  return mark.epoch === epoch ? message.offset > mark.offset : message.time > mark.time;
}
