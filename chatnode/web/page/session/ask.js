// Calls a method of chat, and again while it may still succeed. Requests carry
// ids or say how things are to be, so a second one does nothing more.

import { backoff, isTemporary } from '../model/outbox.js';

const ATTEMPTS = 6;

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves with the reply; rejects with the node's error, whose message is for people. */
export async function ask(link, method, request) {
  for (let attempts = 1; ; attempts++) {
    await link.ready();
    try {
      return (await link.client.rpc(`chat.${method}`, request)).data ?? {};
    } catch (error) {
      if (!isTemporary(error) || attempts === ATTEMPTS) throw error;
      await pause(backoff(attempts));
    }
  }
}
