/** The users of whom a text speaks as "@name". */
export function mentionsIn(text, users) {
  const words = new Set(text.match(/@[^\s,;:!?()]+/g)?.flatMap((word) => [word.slice(1), word.slice(1).replace(/\.+$/, '')]));
  return [...new Set(users)].filter((user) => words.has(user)).slice(0, 64);
}
