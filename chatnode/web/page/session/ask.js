// Calls a method of chat, and again while it may still succeed. Requests carry
// ids or say how things are to be, so a second one does nothing more.

import { backoff, isTemporary } from '../model/outbox.js';
import { reasonOf } from '../model/reason.js';

const ATTEMPTS = 6;

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves with the reply; rejects with an error of the node's code, whose message is for people: words(error). */
export async function ask(link, method, request, words = reasonOf) {
  for (let attempts = 1; ; attempts++) {
    await link.ready();
    try {
      return (await link.client.rpc(`chat.${method}`, request)).data ?? {};
    } catch (error) {
      if (!isTemporary(error) || attempts === ATTEMPTS) throw refused(error, words);
      await pause(backoff(attempts));
    }
  }
}

function refused(error, words) {
  return Object.assign(new Error(words(error), { cause: error }), { code: error.code, temporary: error.temporary });
}
