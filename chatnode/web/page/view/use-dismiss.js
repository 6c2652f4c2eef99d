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
