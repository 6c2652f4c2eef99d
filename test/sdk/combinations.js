// The transports and encodings that the SDK offers, and what each needs in Node.
import { Centrifuge as JSONClient } from 'centrifuge';
import { Centrifuge as ProtobufClient } from 'centrifuge/build/protobuf';
import { EventSource } from 'eventsource';
import WebSocket from 'ws';

// In JSON a payload is a value, in Protobuf the bytes of its JSON.
const json = {
  Client: JSONClient,
  encode: (value) => value,
  decode: (payload) => payload,
};
const protobuf = {
  Client: ProtobufClient,
  encode: (value) => new TextEncoder().encode(JSON.stringify(value)),
  decode: (payload) => JSON.parse(new TextDecoder().decode(payload)),
};

const paths = {
  websocket: '/connection/websocket',
  http_stream: '/connection/http_stream',
  sse: '/connection/sse',
};

// What SDK 5.7.4 does to its application: with disorder, it hands on some publications in a wrong order when a stream brings many at
// once (burst.test.js shows that the wire has them right). A fragile one also gives up its connection when a reply or a push comes in
// two pieces, whereupon its calls fail, and recovers from a position that its disorder has left too low.
export const combinations = [
  { name: 'WebSocket JSON', transport: 'websocket', encoding: json },
  { name: 'WebSocket Protobuf', transport: 'websocket', encoding: protobuf },
  { name: 'HTTP streaming JSON', transport: 'http_stream', encoding: json, disorder: true },
  { name: 'HTTP streaming Protobuf', transport: 'http_stream', encoding: protobuf, disorder: true, fragile: true },
  { name: 'SSE JSON', transport: 'sse', encoding: json, disorder: true },
];

// The SDK forgets the promise of an emulation request, so a connection that is
// cut just then would end the whole process as an unhandled rejection. No
// answer at all is what the SDK sees of it in a browser.
function emulate(url, options) {
  return fetch(url, options).catch(() => new Promise(() => {}));
}

// newClient makes an SDK client that speaks with the server at base.
export function newClient({ transport, encoding }, base, options) {
  const url = new URL(paths[transport], base);
  if (transport === 'websocket') url.protocol = 'ws:';
  const emulation = new URL('/emulation', base).href;
  return new encoding.Client([{ transport, endpoint: url.href }], {
    websocket: WebSocket,
    eventsource: EventSource,
    fetch: (target, init) => (target === emulation ? emulate(target, init) : fetch(target, init)),
    readableStream: ReadableStream,
    emulationEndpoint: emulation,
    minReconnectDelay: 20,
    maxReconnectDelay: 200,
    ...options,
  });
}
