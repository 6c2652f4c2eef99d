// The part of a long text that has what somebody searched for.

const BEFORE = 30; // characters that are shown before the first word found
const LONG = 90; // a text up to that is shown from its beginning

export function snippet(text, query) {
  if (text.length <= LONG) return text;
  const lower = text.toLowerCase();
  const words = query.toLowerCase().match(/[^\s"]+/g) ?? [];
  const places = words.map((word) => lower.indexOf(word)).filter((place) => place >= 0);
  const first = places.length > 0 ? Math.min(...places) : 0;
  if (first <= LONG / 2) return text;
  const space = text.indexOf(' ', first - BEFORE);
  const start = space >= 0 && space < first ? space + 1 : first;
  return `…${text.slice(start)}`;
}
