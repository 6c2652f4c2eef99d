// Small JSON values kept in the browser. A browser may refuse storage (private
// windows, full quota): the page then works on and only forgets on reload.

export const lasting = store(() => localStorage);
export const perTab = store(() => sessionStorage);

function store(open) {
  return {
    get(name, otherwise) {
      try {
        return JSON.parse(open().getItem(`chatfleet.${name}`)) ?? otherwise;
      } catch {
        return otherwise;
      }
    },
    set(name, value) {
      try {
        open().setItem(`chatfleet.${name}`, JSON.stringify(value));
      } catch {
        // Forgetting is the agreed consequence.
      }
    },
    remove(name) {
      try {
        open().removeItem(`chatfleet.${name}`);
      } catch {
        // Nothing was kept, so nothing has to go.
      }
    },
  };
}
