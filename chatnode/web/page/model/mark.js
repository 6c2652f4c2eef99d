// How far somebody has read a room: {epoch, offset, time} of the newest message
// seen. Offsets of another epoch count something else; then time decides.

export function markAt(message, epoch) {
  return { epoch, offset: message.offset, time: message.time };
}

export function isAfter(message, mark, epoch) {
  if (!mark) return true;
  return mark.epoch === epoch ? message.offset > mark.offset : message.time > mark.time;
}
