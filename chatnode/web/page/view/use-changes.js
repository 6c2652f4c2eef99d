import { useEffect, useReducer } from 'preact/hooks';

/** Renders the component again whenever source fires "change". */
export function useChanges(source) {
  const [, again] = useReducer((count) => count + 1, 0);
  useEffect(() => {
    source.addEventListener('change', again);
    again(); // what changed before the listener was there
    return () => source.removeEventListener('change', again);
  }, [source]);
}
