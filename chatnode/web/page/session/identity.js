// Who is at the keyboard: a name for which the node hands out development
// tokens, or a token that an embedding application put into the address.

import { lasting, perTab } from './storage.js';

/** {user, token?} of this tab, or null if somebody has to sign in. */
export function identify() {
  const address = new URL(location.href);
  const given = address.searchParams.get('token');
  if (given) {
    perTab.set('token', given);
    // The address is copied and kept in histories; a token must not be.
    address.searchParams.delete('token');
    history.replaceState(null, '', address);
  }
  const token = perTab.get('token');
  if (token) return { user: subjectOf(token), token };
  const user = address.searchParams.get('user') || lasting.get('user');
  return user ? { user } : null;
}

export function rememberUser(user) {
  lasting.set('user', user);
}

export function forget() {
  lasting.remove('user');
  perTab.remove('token');
  const address = new URL(location.href);
  address.searchParams.delete('user');
  history.replaceState(null, '', address.pathname + address.search);
}

/** A development token; throws an Error with a sentence for the user. */
export async function developmentToken(user) {
  const response = await fetch(`/dev/token?user=${encodeURIComponent(user)}`, { signal: AbortSignal.timeout(10_000) });
  if (response.status === 404) {
    throw new Refusal('This node hands out no names, because it runs without --dev. Your application has to open this page with a token.');
  }
  if (response.status >= 400 && response.status < 500) throw new Refusal((await response.text()).trim() || 'The node refused this name.');
  if (!response.ok) throw new Error(`The node answered ${response.status}.`);
  return (await response.json()).token;
}

/** The node has decided against this user: trying again is useless. */
export class Refusal extends Error {}

// The node verifies the token; the page only reads whom it names.
function subjectOf(token) {
  try {
    const payload = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)).sub ?? '';
  } catch {
    return '';
  }
}
