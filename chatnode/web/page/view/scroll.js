// Keeping the reader's place while messages come in above and below.

const END_PX = 40;

export function isAtEnd({ scrollTop, scrollHeight, clientHeight }) {
  return scrollHeight - scrollTop - clientHeight < END_PX;
}

/** Remembers the first message in sight and where it stands. */
export function hold(scroller) {
  const edge = scroller.getBoundingClientRect().top;
  for (const message of scroller.querySelectorAll('.message')) {
    const { top, bottom } = message.getBoundingClientRect();
    if (bottom > edge) return { key: message.dataset.key, top: top - edge };
  }
  return null;
}

/** Puts what hold() remembered back to where it stood. */
export function restore(scroller, held) {
  if (!held) return;
  const message = scroller.querySelector(`[data-key="${CSS.escape(held.key)}"]`);
  if (!message) return;
  const edge = scroller.getBoundingClientRect().top;
  scroller.scrollTop += message.getBoundingClientRect().top - edge - held.top;
}
