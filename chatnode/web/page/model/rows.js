// Turns a list of messages into what stands on the screen line by line: days,
// the mark where unread messages begin, and messages, of which only the first
// of a group repeats who wrote it.

const GROUP_MS = 5 * 60_000;

/**
 * rows(entries, isNew): isNew(entry) says whether the reader hasn't seen an
 * entry yet. Each row is {kind: "day", time}, {kind: "new"} or
 * {kind: "message", entry, first, last} with a key of its own.
 */
export function rows(entries, isNew) {
  const out = [];
  let previous = null;
  let marked = false;
  for (const entry of entries) {
    const newDay = !previous || !sameDay(previous.time, entry.time);
    if (newDay) out.push({ kind: 'day', key: `day ${entry.key}`, time: entry.time });
    const mark = !marked && isNew(entry);
    if (mark) {
      marked = true;
      out.push({ kind: 'new', key: 'new' });
    }
    const first = newDay || mark || !sameGroup(previous, entry);
    if (!first) out.at(-1).last = false;
    out.push({ kind: 'message', key: entry.key, entry, first, last: true });
    previous = entry;
  }
  return out;
}

function sameGroup(a, b) {
  return a.sender === b.sender && Math.abs(b.time - a.time) < GROUP_MS;
}

export function sameDay(a, b) {
  return new Date(a).toDateString() === new Date(b).toDateString();
}
