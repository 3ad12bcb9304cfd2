import assert from 'node:assert/strict'
import { test } from 'node:test'
import { masker, secretsOf } from '../../src/mask.ts'
import type { Log } from '../../src/observe/log.ts'
import { reporter } from '../../src/observe/reporter.ts'
import { terminal } from './terminal.ts'

/** What a reporter writes on a terminal or on something else. */
async function written(isTTY: boolean, secret: string): Promise<{ log: Log; text: () => string }> {
  const { stream, text } = terminal(isTTY)
  return { log: (await reporter(stream, masker(secretsOf(`postgresql://app:${secret}@db/w`)))).log, text }
}

for (const secret of ['p', '50', 'applied', 's3cret-word', '"},{"']) {
  test(`a log with the password ${secret} is whole lines of JSON with their names and numbers, without it in a URL`, async () => {
    const { log, text } = await written(false, secret)
    const url = `postgresql://app:${encodeURIComponent(secret)}@db/w`
    log.info({ code: 'PROGRESS', applied: 50, 's3cret-word': { place: [url] } }, `Writing to ${url}`)
    const { applied, 's3cret-word': nested, msg } = JSON.parse(text()) as Record<string, unknown>
    assert.deepEqual(
      [applied, nested, msg],
      [50, { place: ['postgresql://app:***@db/w'] }, 'Writing to postgresql://app:***@db/w'],
    )
  })
}

test('on a terminal, too', async () => {
  const { log, text } = await written(true, '50')
  log.warn({ code: 'WARNING', applied: 50, url: 'postgresql://app:50@db/w' }, 'half')
  assert.ok(text().includes('warning: half (applied 50, url postgresql://app:***@db/w)\n'), text())
})
