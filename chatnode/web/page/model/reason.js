// What the node, or the network, had against a request, as a sentence for people.

const MOMENT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g;
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'short' });

/** names: what people call the channels of which the node may speak, as {channel: name}. */
export function reasonOf({ code, message }, names = {}) {
  if (code < 100) return 'The node does not answer. Try again.'; // the SDK's own codes
  let words = message || 'The node refused it and did not say why';
  for (const [channel, name] of Object.entries(names)) words = words.replaceAll(channel, () => name);
  words = words.replace(MOMENT, (time) => moment.format(new Date(time)));
  const sentence = words[0].toUpperCase() + words.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
