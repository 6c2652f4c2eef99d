// A person's initials on a colour that is always the same for the same name.

export function Avatar({ name, small }) {
  return (
    <span class={small ? 'avatar avatar-small' : 'avatar'} style={{ '--hue': hueOf(name) }} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

export function hueOf(name) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 997;
  return Math.round((hash * 137.5) % 360);
}

function initials(name) {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0] ?? '?'];
  return letters.map((word) => [...word][0].toUpperCase()).join('');
}
