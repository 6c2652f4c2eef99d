// What opens over the page beside a button, and goes away again.

import { useEffect } from 'preact/hooks';

/** While open, a press outside the box or the Escape key closes it. */
export function useDismiss(open, box, close) {
  useEffect(() => {
    if (!open) return undefined;
    const onEvent = (event) => {
      const outside = event.type === 'pointerdown' && !box.current.contains(event.target);
      if (!outside && event.key !== 'Escape') return;
      event.stopPropagation(); // Escape also leads back to the composer
      close();
    };
    addEventListener('pointerdown', onEvent, true);
    addEventListener('keydown', onEvent, true);
    return () => {
      removeEventListener('pointerdown', onEvent, true);
      removeEventListener('keydown', onEvent, true);
    };
  }, [open]);
}

const WIDTH_PX = 250;
const HEIGHT_PX = 310;

/** The classes of a list of choices that opens beside a button: to where there is room. */
export function placeFor(button) {
  const { left, top, bottom } = button.getBoundingClientRect();
  const area = button.closest('.messages, .panel-body').getBoundingClientRect();
  const up = bottom + HEIGHT_PX > area.bottom && top - HEIGHT_PX > area.top;
  return ['choices', up && 'choices-up', left + WIDTH_PX > area.right && 'choices-left'].filter(Boolean).join(' ');
}
