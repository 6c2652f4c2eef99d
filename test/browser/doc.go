// Package browser drives the chat page and the fleet page in a headless
// Chromium against real chat nodes, as people would use them. In goes a built
// page (`make page`) inside a chatnode that test/process starts.
package browser
