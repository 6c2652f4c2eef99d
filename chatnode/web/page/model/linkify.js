// Finds the web addresses in a text. It returns pieces and never markup: the
// view makes text nodes and links of them, so nothing a sender writes is ever
// read as HTML, and only http and https addresses become links.

const CANDIDATE = /\b(?:https?:\/\/|www\.)[^\s<>"'`]+/gi;

/** The text in pieces, {text} or {text, href}, which joined give the text again. */
export function linkify(text) {
  const pieces = [];
  let end = 0;
  for (const match of text.matchAll(CANDIDATE)) {
    const address = withoutTrailing(match[0]);
    const href = hrefOf(address);
    if (!href) continue;
    if (match.index > end) pieces.push({ text: text.slice(end, match.index) });
    pieces.push({ text: address, href });
    end = match.index + address.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}

function hrefOf(address) {
  try {
    const url = new URL(/^www\./i.test(address) ? `https://${address}` : address);
    return /^https?:$/.test(url.protocol) && url.hostname !== '' ? url.href : null;
  } catch {
    return null;
  }
}

// Punctuation behind an address belongs to the sentence; a closing bracket
// does too unless the address itself opened it.
function withoutTrailing(address) {
  let end = address.length;
  for (; end > 0; end--) {
    const last = address[end - 1];
    if ('.,;:!?*_~'.includes(last)) continue;
    if (')]}'.includes(last) && !balanced(address.slice(0, end), last)) continue;
    break;
  }
  return address.slice(0, end);
}

function balanced(address, closing) {
  const opening = { ')': '(', ']': '[', '}': '{' }[closing];
  return count(address, opening) >= count(address, closing);
}

function count(text, character) {
  return text.split(character).length - 1;
}
