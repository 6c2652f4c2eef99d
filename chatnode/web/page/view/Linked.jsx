import { linkify } from '../model/linkify.js';

/** A text with its web addresses as links. */
export function Linked({ text, ...rest }) {
  return (
    <span class="text" {...rest}>
      {linkify(text).map(({ text: piece, href }) =>
        href ? (
          <a href={href} target="_blank" rel="noopener noreferrer nofollow">
            {piece}
          </a>
        ) : (
          piece
        ),
      )}
    </span>
  );
}
