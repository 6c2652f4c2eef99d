// A user hears private messages while the nodes are killed and drained one after the other. The test's parent does that when it reads "kill".
import assert from 'node:assert/strict'
import readline from 'node:readline'
import test from 'node:test'
import mysql2 from 'mysql2/promise'
import { Browser } from './browser.js'

const urls = process.env.COMET_URLS.split(',')
const ports = process.env.COMET_SQL_PORTS.split(',').map(Number)

test('private messages outlive the node', async () => {
  const c = await mysql2.createConnection({ host: '127.0.0.1', port: ports[1], user: 'root', password: process.env.COMET_PASSWORD })
  await c.query("INSERT INTO users_auth (id, hash) VALUES (21, 'h21')")
  const browser = new Browser(urls, 21, 'h21')
  await browser.open()
  const lines = readline.createInterface({ input: process.stdin })
  const next = async (i) => assert.equal((await browser.next((m) => m.pipe === 'msg')).data, String(i))
  const say = (i) => c.query('INSERT INTO users_messages (id, event, message) VALUES (21, ?, ?)', ['ev', String(i)])
  await say(0)
  await next(0)
  console.log(process.env.COMET_END)
  const ended = new Promise((resolve) => lines.once('line', resolve))
  for (let i = 1; i <= 50; i++) await say(i)
  await ended
  for (let i = 51; i <= 60; i++) await say(i)
  for (let i = 1; i <= 60; i++) await next(i)
  assert.ok(browser.closes.length > 0, 'the first connection has ended')
  assert.deepEqual(browser.closes.filter((code) => code !== 1006), [], 'no connection ended politely')
  browser.stop()
  lines.close()
  await c.end()
})
