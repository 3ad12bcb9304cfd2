import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import type { Status } from '../../../src/operate/status.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { order, scene } from '../operate/scene.ts'
import { served } from './served.ts'

/** What a running relay says of itself, and what `cdc-relay status` says of it, without what differs by the moment. */
async function bothStatuses(t: TestContext, optionsIn: (folder: string) => readonly string[]) {
  const { kinesis, start, status } = await scene(t, optionsIn)
  const [shard] = kinesis.open(1) as [string]
  const relay = start('--http', '127.0.0.1:0')
  const http = await served(relay)
  kinesis.put(shard, [order(1), order(2), 'no record'])
  await http.metricsOnce((now) => now.value('read_changes_total') === 3)
  const response = await http.get('/status')
  assert.equal(response.status, 200)
  const own = (await response.json()) as Status
  const told = await status('--source', kinesis.name, '--endpoint-url', kinesis.url)
  relay.child.kill('SIGTERM')
  assert.equal((await relay.ended).exitCode, 0)
  const withoutMoment = ({ shards, ...rest }: Status) => ({
    ...rest,
    shards: shards.map(({ shard: name, sequence }) => ({ name, sequence })),
  })
  return { own: withoutMoment(own), told: withoutMoment(told) }
}

test('/status is what `cdc-relay status` prints, from a database', async (t) => {
  const database = await testDatabase(t)
  const { own, told } = await bothStatuses(t, () => ['--sink', database.url])
  assert.deepEqual(own, told)
  assert.equal(own.isRunning, true)
  assert.equal(own.deadLetters.count, 1)
  assert.deepEqual(
    own.tables.map(({ table }) => table),
    ['orders'],
  )
})

test('/status is what `cdc-relay status` prints, from a state file and a file of dead letters', async (t) => {
  const { own, told } = await bothStatuses(t, (folder) => [
    ...['--sink', `jsonl:${join(folder, 'out.jsonl')}`, '--state', `file:${join(folder, 'state.json')}`],
    ...['--dead-letters', `file:${join(folder, 'letters.jsonl')}`],
  ])
  assert.deepEqual(own, told)
  assert.equal(own.isRunning, true)
})

test('a target that does not answer at the start: live, not ready, no status yet; and the password is nowhere', async (t) => {
  const { kinesis, start } = await scene(t, () => ['--sink', 'postgresql://app:hidden-word-1@127.0.0.1:1/nowhere'])
  kinesis.open(1)
  const http = await served(start('--http', '0'))
  const now = await http.metricsOnce(({ value }) => (value('failing', { code: 'SINK_UNREACHABLE' }) ?? 0) > 0)
  assert.equal(now.value('claimed'), 0)
  const answers: string[] = []
  for (const [path, status] of [
    ['/health/live', 200],
    ['/health/ready', 503],
    ['/health/ready?verbose', 503],
    ['/status', 503],
    ['/metrics', 200],
  ] as const) {
    const response = await http.get(path)
    assert.equal(response.status, status, path)
    answers.push(await response.text())
  }
  assert.match(answers[2]!, /SINK_UNREACHABLE: could not open the target/)
  assert.doesNotMatch(answers.join('\n'), /hidden-word-1/)
})

test('a port that is taken, and an address that is none, are mistakes of configuration', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  const { port } = other.address() as AddressInfo
  const { kinesis, command } = await scene(t, (folder) => ['--sink', `pglite:${folder}`])
  kinesis.open(1)
  const run = (http: string) =>
    command('run', '--source', kinesis.name, '--endpoint-url', kinesis.url, '--until-latest', '--http', http)
  const taken = await run(`:${port}`)
  assert.equal(taken.exitCode, 2)
  assert.match(taken.stderr, new RegExp(`--http 127\\.0\\.0\\.1:${port} cannot be had: another process listens there`))
  const foreign = await run('203.0.113.1:0')
  assert.equal(foreign.exitCode, 2)
  assert.match(foreign.stderr, /this machine has no such address/)
  const none = await run('127.0.0.1:https')
  assert.equal(none.exitCode, 2)
  assert.match(none.stderr, /--http \\"127\.0\.0\.1:https\\" is not a port, or a host and a port/)
})

test('what is asked wrongly, slowly or by a page of another site gets nothing, and the relay goes on', async (t) => {
  const { kinesis, start } = await scene(t, (folder) => [
    '--sink',
    `jsonl:${join(folder, 'out.jsonl')}`,
    '--state',
    `file:${join(folder, 's.json')}`,
  ])
  const [shard] = kinesis.open(1) as [string]
  const relay = start('--http', '0')
  const http = await served(relay)
  const { port } = new URL(http.url)

  assert.equal((await http.get('/nothing')).status, 404)
  assert.equal((await http.get('/metrics/../../etc/passwd')).status, 404)
  const posted = await http.get('/metrics', { method: 'POST', body: 'x' })
  assert.equal(posted.status, 405)
  assert.equal(posted.headers.get('allow'), 'GET, HEAD')
  const head = await http.get('/metrics', { method: 'HEAD' })
  assert.equal(head.status, 200)
  assert.equal(await head.text(), '')
  assert.ok(Number(head.headers.get('content-length')) > 1000)
  assert.match(head.headers.get('content-security-policy')!, /default-src 'none'/)
  assert.equal(head.headers.get('x-content-type-options'), 'nosniff')
  const rebound = request({ host: '127.0.0.1', port, path: '/status', headers: { Host: 'relay.example' } }).end()
  const [answer] = await once(rebound, 'response')
  assert.equal(answer.statusCode, 421)
  await text(answer)

  const garbage = connect(Number(port), '127.0.0.1')
  garbage.end('no HTTP\r\n\r\n')
  assert.match(await text(garbage), /^HTTP\/1\.1 400 /)
  // Neither of these two ends; a third sends half of a request and leaves.
  const silent = [connect(Number(port), '127.0.0.1'), connect(Number(port), '127.0.0.1')]
  for (const socket of silent) t.after(() => socket.destroy())
  silent[1]!.write('GET /metrics HTTP/1.1\r\nHost: ')
  const leaving = connect(Number(port), '127.0.0.1')
  leaving.write('GET /metrics HTTP/1.1\r\n')
  leaving.resetAndDestroy()

  kinesis.put(shard, [order(1)])
  await http.metricsOnce((now) => now.value('read_changes_total') === 1)
  relay.child.kill('SIGTERM')
  assert.equal((await relay.ended).exitCode, 0)
})

test('what is reachable for other machines is said to be', async (t) => {
  const { kinesis, start } = await scene(t, (folder) => [
    '--sink',
    `jsonl:${join(folder, 'out.jsonl')}`,
    '--state',
    `file:${join(folder, 's.json')}`,
  ])
  kinesis.open(1)
  const relay = start('--http', '0.0.0.0:0', '--until-latest')
  await served(relay)
  const { stderr, exitCode } = await relay.ended
  assert.equal(exitCode, 0)
  assert.match(stderr, /Other machines can read metrics and status of this relay/)
})
