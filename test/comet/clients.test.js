import assert from 'node:assert/strict'
import { promisify } from 'node:util'
import test from 'node:test'
import mysql from 'mysql'
import mysql2 from 'mysql2/promise'
import { Browser } from './browser.js'

const urls = process.env.COMET_URLS.split(',')
const ports = process.env.COMET_SQL_PORTS.split(',').map(Number)
const login = (port) => ({ host: '127.0.0.1', port, user: 'root', password: process.env.COMET_PASSWORD, database: 'CometQL_v1' })
const inPipe = (pipe) => (m) => m.pipe === pipe

// The first driver of MySQL for Node, as small backends use it.
async function withMySQL(work) {
  const c = mysql.createConnection(login(ports[0]))
  try {
    await work(promisify(c.query).bind(c))
  } finally {
    c.destroy()
  }
}

test('mysql drives the fleet', async () => {
  await withMySQL(async (query) => {
    const written = await query('INSERT INTO users_auth (id, hash) VALUES (?, ?)', [11, 'eleven'])
    assert.equal(written.affectedRows, 1)
    assert.equal(written.insertId, 11)
    assert.deepEqual((await query('SELECT * FROM users_auth WHERE id IN (11, 12)')).map((row) => ({ ...row })), [{ id: '11', hash: 'eleven' }])
    const browser = new Browser(urls, 11, 'eleven')
    assert.equal((await browser.open()).authorized, true)
    await browser.listen('p10', 'web_chat')
    const text = `{"a":"it's \\ \n 'quoted' 😀"}`
    await query('INSERT INTO pipes_messages (name, event, message) VALUES (?, ?, ?)', ['p10', 'ev', text])
    const heard = await browser.next(inPipe('p10'))
    assert.equal(heard.data, text)
    assert.equal(heard.event, 'ev')
    await query('INSERT INTO users_messages (id, event, message) VALUES (?, ?, ?)', [11, 'private', text])
    assert.equal((await browser.next(inPipe('msg'))).data, text)
    await assert.rejects(query('SELECT * FROM users_auth'), /primary key/)
    await assert.rejects(query('SELECT 1'), /Syntax error/)
    browser.stop()
  })
})

test('mysql2 drives the fleet, with prepared statements too', async () => {
  const c = await mysql2.createConnection(login(ports[0]))
  const [written] = await c.execute('INSERT INTO users_data (id, data) VALUES (?, ?)', [12, 'grüße'])
  assert.equal(written.insertId, 12)
  for (const ask of [c.query, c.execute]) {
    const [rows] = await ask.call(c, 'SELECT data FROM users_data WHERE id = ?', [12])
    assert.deepEqual(rows.map((row) => ({ ...row })), [{ data: 'grüße' }])
  }
  await c.execute('INSERT INTO pipes_settings (name, length) VALUES (?, ?)', ['p12', 3])
  for (let i = 0; i < 5; i++) await c.execute('INSERT INTO pipes_messages (name, event, message) VALUES (?, ?, ?)', ['p12', 'e', String(i)])
  const [rows, columns] = await c.execute('SELECT message, `index` FROM pipes_messages WHERE name = ?', ['p12'])
  assert.deepEqual(columns.map((column) => column.name), ['message', 'index'])
  assert.deepEqual(rows.map((row) => row.message), ['2', '3', '4'])
  await c.beginTransaction()
  await c.commit()
  await c.ping()
  await assert.rejects(c.execute('SELECT * FROM nothing WHERE id = ?', [1]), /does not exist/)
  await c.changeUser({ database: 'CometQL_v1' }).catch(() => {}) // which the server has not, and says so
  await c.end()
})

test('wrong passwords and unknown databases are told so', async () => {
  await assert.rejects(mysql2.createConnection({ ...login(ports[0]), password: 'wrong' }), /Authentication failure/)
  await assert.rejects(mysql2.createConnection({ ...login(ports[0]), database: 'other' }), /Select database failure/)
})

test('who guesses the password is blocked, and nobody else', async () => {
  const guess = () => mysql2.createConnection({ ...login(ports[0]), user: '9', password: 'guess' }).catch((error) => error)
  let told = await guess()
  for (let i = 0; i < 1000 && told.code !== 'ER_HOST_IS_BLOCKED'; i++) told = await guess()
  assert.match(told.message, /too many wrong passwords; try again in \d seconds/)
  await withMySQL((query) => query('SHOW TABLES'))
})

test('browsers talk with each other over two nodes', async () => {
  const [one, two] = [new Browser([urls[0]], 0, 'undefined'), new Browser([urls.at(-1)], 0, 'undefined')]
  for (const browser of [one, two]) {
    assert.equal((await browser.open()).authorized, false)
    await browser.listen('web_talk')
  }
  one.say('web_pipe2', 'web_talk', 'ev', '*', '{"n":1}')
  assert.equal((await two.next(inPipe('web_talk'))).data, '{"n":1}')
  assert.equal((await one.next(inPipe('_answer_to_web_talk'))).data.message, '{"n":1}')
  one.stop()
  two.stop()
})
