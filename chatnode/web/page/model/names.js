/** The users whose names somebody typed, with commas or line ends between them and perhaps an @ before each. */
export function namesIn(typed) {
  const names = typed.split(/[,\n]/).map((name) => name.trim().replace(/^@/, ''));
  return [...new Set(names)].filter(Boolean);
}

/** A room's name made from its title: what people type to find it. */
export function nameFrom(title) {
  return title
    .trim()
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}]+/gu, '-')
    .replace(/^-+|-+$/g, '');
}
