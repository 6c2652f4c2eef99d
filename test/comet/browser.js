// A browser as the JavaScript client of CppComet is one: it dials again whenever a connection did not end cleanly, subscribes to everything
// anew, and knows messages that it has had by their uuid.
import { once } from 'node:events'
import WebSocket from 'ws'

const patience = 60_000

export class Browser {
  constructor(urls, user, key) {
    Object.assign(this, { urls, user, key, pipes: [], messages: [], waiting: [], seen: new Set(), closes: [], turn: 0 })
  }

  // open dials the next node until one greets it.
  async open() {
    for (;;) {
      const url = this.urls[this.turn++ % this.urls.length]
      const path = `/comet-server/ws/sesion=${this.key}&myid=${this.user}&devid=0&v=4.08&uuid=${'b'.repeat(32)}&api=js`
      this.socket = new WebSocket(url + path, { handshakeTimeout: patience })
      const greeted = this.next((m) => m.event === 'serverInfo')
      this.socket.on('message', (frame) => frame.toString().split('\n').forEach((line) => this.take(JSON.parse(line))))
      this.socket.on('error', () => {})
      const closed = once(this.socket, 'close').then(([code]) => {
        this.closes.push(code)
        return null
      })
      const greeting = await Promise.race([greeted, closed])
      if (greeting === null) continue
      if (this.pipes.length) this.say('subscription', ...this.pipes)
      closed.then(() => this.stopped || this.open())
      return greeting
    }
  }

  take(message) {
    if (message.uuid) {
      if (this.seen.has(message.uuid)) return
      this.seen.add(message.uuid)
    }
    const at = this.waiting.findIndex((w) => w.wanted(message))
    if (at >= 0) this.waiting.splice(at, 1)[0].resolve(message)
    else this.messages.push(message)
  }

  // next is the first message that is wanted, of those that have come and of those that come.
  next(wanted) {
    const at = this.messages.findIndex(wanted)
    if (at >= 0) return Promise.resolve(this.messages.splice(at, 1)[0])
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`nothing is as ${wanted}`)), patience)
      this.waiting.push({ wanted, resolve: (m) => (clearTimeout(timer), resolve(m)) })
    })
  }

  say(...lines) {
    this.socket.send(lines.join('\n'))
  }

  // listen subscribes, and waits until that is done.
  async listen(...pipes) {
    this.pipes = pipes
    this.say('subscription', ...pipes)
    await this.sync()
  }

  async sync() {
    const marker = `m${Math.random().toString(36).slice(2)}`
    this.say('user_data', marker, '1')
    await this.next((m) => m.marker === marker)
  }

  stop() {
    this.stopped = true
    this.socket.terminate()
  }
}
