// Package chat21 runs the npm package mqtt, with which chat21's own client speaks, unchanged in Node against real chat nodes, over
// WebSocket and TCP. In go the addresses of the nodes, in MQTT_URLS and API_URLS; out comes what `node --test` says of each *.test.js here.
package chat21
