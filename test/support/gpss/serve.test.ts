import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import { startNode } from '../processes/node-process.ts'
import { type RawClient, rawClient } from './raw-client.ts'

const SERVE = new URL('serve.ts', import.meta.url).href

test('by hand: one server with a database of its own, another one on that, killed in the middle of a load', async (t) => {
  const first = startNode(SERVE, ['--port', '0'])
  t.after(first.kill)
  const said = first.lines[Symbol.asyncIterator]()
  const sink = await urlIn(said, /--sink '(.*)'/)
  const database = await urlIn(said, /The tables are in (\S+),/)
  first.child.stdin!.write('CREATE TABLE t (a int)\n')

  const second = startNode(SERVE, ['--port', '0', '--postgres', database.href])
  t.after(second.kill)
  const other = await urlIn(second.lines[Symbol.asyncIterator](), /--sink '(.*)'/)
  assert.ok(!other.href.includes(database.password), 'a password of others is not shown')
  assert.equal(other.pathname, sink.pathname)

  const [one, two] = [rawClient(sink.host), rawClient(other.host)]
  t.after(async () => {
    one.end()
    two.end()
  })
  await load(one, await connect(one, sink, sink.searchParams.get('password')!), 1)
  const session = await connect(two, other, database.password)
  await load(two, session, 2)
  await two.open(session, 'Insert', 'public.t', { InsertColumns: ['a'] })
  await two.write(session, [3])
  await second.kill()
  await assert.rejects(two.close(session), { code: 'UNAVAILABLE' })

  first.child.stdin!.write(`SELECT json_build_object('rows', string_agg(a::text, ',' ORDER BY a)) AS said FROM t\n`)
  assert.match(await lineWith(said, /rows/), /{"rows":"1,2"}/)

  const ended = once(first.child, 'exit')
  first.child.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
})

async function lineWith(lines: AsyncIterator<string>, pattern: RegExp): Promise<string> {
  for (;;) {
    const { value, done } = await lines.next()
    if (done === true) throw new Error(`the server ended without ${pattern}`)
    if (pattern.test(value)) return value
  }
}

async function urlIn(lines: AsyncIterator<string>, pattern: RegExp): Promise<URL> {
  return new URL(pattern.exec(await lineWith(lines, pattern))![1]!)
}

function connect(client: RawClient, { searchParams, pathname }: URL, Password: string): Promise<string> {
  return client.connect({
    Host: searchParams.get('greenplum-host')!,
    Port: Number(searchParams.get('greenplum-port')),
    Username: searchParams.get('user')!,
    Password,
    DB: pathname.slice(1),
  })
}

async function load(client: RawClient, session: string, a: number): Promise<void> {
  await client.open(session, 'Insert', 'public.t', { InsertColumns: ['a'] })
  await client.write(session, [a])
  await client.close(session)
}
