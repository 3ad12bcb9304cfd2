import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Route, serve } from '../../src/http/server.ts'

test('what cannot be told is told to the relay, and the next request is answered', async (t) => {
  const failures: string[] = []
  const routes = new Map<string, Route>([
    [
      '/broken',
      () => {
        throw new Error('secret')
      },
    ],
    [
      '/torn',
      () => ({
        type: 'text/event-stream',
        begin() {
          throw new Error('secret')
        },
      }),
    ],
    ['/well', () => ({ status: 200, type: 'text/plain', body: 'well' })],
  ])
  const server = await serve({ host: '127.0.0.1', port: 0 }, routes, (path, error) => failures.push(`${path} ${error}`))
  t.after(() => server.close())
  const broken = await fetch(`${server.url}/broken`)
  assert.deepEqual(
    [broken.status, await broken.text()],
    [500, 'It could not be told: the log of the relay says why.\n'],
  )
  await assert.rejects(fetch(`${server.url}/torn`).then((answer) => answer.text()))
  assert.equal(await (await fetch(`${server.url}/well`)).text(), 'well')
  assert.deepEqual(failures, ['/broken Error: secret', '/torn Error: secret'])
})
