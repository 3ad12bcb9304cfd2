import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Browser, chromium, type Page } from 'playwright-core'
import { record } from './records.ts'
import type { Served } from './served.ts'
import { watchedRelay } from './watched-relay.ts'

/** Debian's; or any other that speaks the same protocol. */
const CHROMIUM = process.env.CDC_TEST_CHROMIUM ?? '/usr/bin/chromium'
const skip =
  !existsSync(CHROMIUM) && `there is no ${CHROMIUM}: apt-get install chromium, or name one in CDC_TEST_CHROMIUM`

let browser: Browser
before(async () => {
  if (skip === false) browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
})
after(() => browser?.close())

const RELAY_ENDED = /net::ERR_(INCOMPLETE_CHUNKED_ENCODING|CONNECTION_\w+)/

interface Looking {
  readonly scheme?: 'light' | 'dark'
  readonly width?: number
}

/** The page, once it shows something. What goes wrong in it fails the test, and so does a request to elsewhere. */
async function look(t: TestContext, { url }: Served, { scheme = 'light', width = 1300 }: Looking = {}): Promise<Page> {
  const page = await browser.newPage({ colorScheme: scheme, viewport: { width, height: 900 } })
  const wrong: string[] = []
  page.on('pageerror', (error) => wrong.push(String(error)))
  page.on('console', (said) => {
    const isBad = said.type() === 'error' || said.type() === 'warning'
    if (isBad && !RELAY_ENDED.test(said.text())) wrong.push(said.text())
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) wrong.push(`asks ${request.url()}`)
  })
  await page.goto(url)
  await page.waitForSelector('#main[data-now]')
  t.after(async () => {
    await page.close()
    assert.deepEqual(wrong, [])
  })
  return page
}

/** Number by its term. */
const numbersOf = (page: Page): Promise<Record<string, string>> =>
  page.$$eval('#numbers > div', (all) =>
    Object.fromEntries(all.map((one) => [one.querySelector('dt')!.textContent, one.querySelector('dd')!.textContent])),
  )

const rowsOf = (page: Page, table: string): Promise<string[][]> =>
  page.$$eval(`#${table} tbody tr`, (rows) =>
    rows.map((row) =>
      Array.from(row.querySelectorAll('th, td'), (cell) => (cell as { textContent: string }).textContent),
    ),
  )

/** Waits until the page shows that. */
const until = (page: Page, selector: string, text: string | RegExp) =>
  page.locator(selector).filter({ hasText: text }).first().waitFor({ timeout: 60_000 })

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8'))
  const { violations: found } = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
    'axe.run()',
  )
  return found.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
}

test('the page shows what the relay did: load, trouble, recovery', { skip }, async (t) => {
  const { http, put, kinesis, shard, database, relay, setAway } = await watchedRelay(t)
  const page = await look(t, http)
  await until(page, '#standing', /^works$/)
  assert.equal(await page.title(), 'orders · cdc-relay')
  put(...Array.from({ length: 700 }, (_, i) => record('orders', `${i % 300}`, 1000 + i)))
  await until(page, '#numbers', 'Read and committed700')
  put(
    record('drafts', 'a', 1),
    'no record',
    record('orders', 'x', 13),
    record('users', 'u', 1),
    record('<b>bold</b>', 'v', 2),
  )
  await until(page, '#numbers', 'Read and committed705')
  const metrics = await http.metrics()
  const numbers = await numbersOf(page)
  const [applied, superseded] = ['applied', 'superseded'].map((what) =>
    Object.values(metrics.all(`${what}_changes_total`)).reduce((sum, one) => sum + one, 0),
  )
  assert.equal(numbers.Applied, String(applied))
  assert.equal(numbers.Superseded, String(superseded))
  assert.equal(applied! + superseded!, 701)
  assert.equal(numbers.Skipped, '1')
  assert.equal(numbers['Dead-lettered'], '3')
  assert.equal(numbers['Parked tables'], '1')

  const tables = await rowsOf(page, 'tables')
  assert.deepEqual(
    tables.map(([table, , , , , letters, parked]) => [table, letters, parked]),
    [
      ['users', '1', 'parked: 1 kept'],
      ['orders', '1', ''],
      ['"<b>bold</b>"', '0', ''],
    ],
  )
  const letters = await rowsOf(page, 'letters')
  assert.deepEqual(letters.map(([code]) => code).sort(), ['DECODE_NOT_JSON', 'SINK_REFUSED', 'TABLE_PARKED'])
  assert.ok(letters.every(([, , reason, place]) => reason !== '' && place === shard))
  await until(page, '#trouble-list', 'Table users is parked')
  await until(page, '#warnings', /Table users is parked, and the other tables go on: SINK_TABLE/)
  assert.equal(await page.locator('#standing').textContent(), 'works')

  kinesis.split(shard)
  await until(page, '#shards', 'finished')
  const settings = await page.locator('#settings').textContent()
  assert.match(settings!, /excludedrafts/)
  assert.match(settings!, /stall-timeout5m/)
  assert.doesNotMatch((await page.content()) + settings, /secret|:postgres@/)

  setAway(true)
  kinesis.put('shardId-000000000001', [record('orders', 'y', 14)])
  await until(page, '#standing', 'not well: target')
  await until(page, '#trouble-list', 'SINK_UNREACHABLE: could not write the batch')
  assert.equal(await page.locator('#standing').getAttribute('data-is'), 'unready')
  setAway(false)
  await database.query('DROP TABLE users')
  await until(page, '#numbers', 'Read and committed706')
  await until(page, '#standing', /^works$/)
  // The charts have a point every five seconds.
  await until(page, '#rate-said', /Now applied: /)
  assert.equal(await page.locator('.chart canvas').count(), 3)

  relay.child.kill('SIGTERM')
  assert.equal((await relay.ended).exitCode, 0)
})

test('the page is accessible, in both themes and on a phone, with a relay in trouble', { skip }, async (t) => {
  const { http, put, setAway } = await watchedRelay(t)
  put('no record', record('orders', 'x', 13), record('users', 'u', 1), record('orders', 'a', 2))
  await http.metricsOnce((now) => now.value('read_changes_total') === 4)
  setAway(true)
  put(record('orders', 'b', 3))
  await http.metricsOnce((now) => now.value('ready') === 0)
  for (const looking of [
    { scheme: 'light' },
    { scheme: 'dark' },
    { scheme: 'light', width: 380 },
    { scheme: 'dark', width: 380 },
  ] as const) {
    const page = await look(t, http, looking)
    await until(page, '#rate-said', /Now applied: /)
    assert.deepEqual(await violations(page), [], JSON.stringify(looking))
    const [inner, outer] = await page.evaluate<[number, number]>('[document.documentElement.scrollWidth, innerWidth]')
    assert.ok(inner <= outer, `the page is wider than ${JSON.stringify(looking)}`)
  }
})

test('the page is used by keyboard, and stays where its reader is', { skip }, async (t) => {
  const { http, put } = await watchedRelay(t)
  put(...Array.from({ length: 60 }, (_, i) => record(`t${i}`, 'a', i)))
  await http.metricsOnce((now) => now.value('read_changes_total') === 60)
  const page = await look(t, http)
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'To the numbers')
  await page.keyboard.press('Enter')
  assert.equal(await page.evaluate('location.hash'), '#main')
  const reached: string[] = []
  for (let presses = 0; presses < 12; presses++) {
    await page.keyboard.press('Tab')
    reached.push(
      await page.evaluate<string>(
        'document.activeElement.getAttribute("aria-labelledby") ?? document.activeElement.textContent',
      ),
    )
  }
  for (const name of ['tables-title', 'letters-title', 'shards-title', 'metrics', 'health', 'status']) {
    assert.ok(reached.includes(name), `${name} is not among ${reached}`)
  }
  const tables = page.locator('section[aria-labelledby="tables-title"].scroll')
  await tables.focus()
  await page.keyboard.press('End')
  while (!(await page.evaluate('document.activeElement.scrollTop > 0'))) await sleep(50)
  // A number that changes takes nobody away from where they are.
  put(record('t0', 'b', 99))
  await until(page, '#numbers', 'Read and committed61')
  assert.ok(await page.evaluate('document.activeElement.matches(".scroll") && document.activeElement.scrollTop > 0'))
})

test('the page is served with headers that keep others out', { skip: false }, async (t) => {
  const { http } = await watchedRelay(t)
  const response = await http.get('/')
  assert.equal(response.status, 200)
  assert.match(
    response.headers.get('content-security-policy')!,
    /default-src 'none'; script-src 'self'; .*frame-ancestors 'none'/,
  )
  assert.doesNotMatch(response.headers.get('content-security-policy')!, /unsafe/)
  for (const path of ['/page.js', '/charts.js', '/rows.js', '/words.js', '/uplot.js', '/page.css', '/uplot.css']) {
    const part = await http.get(path)
    assert.equal(part.status, 200, path)
    assert.match(part.headers.get('content-type')!, path.endsWith('.js') ? /^text\/javascript/ : /^text\/css/)
    assert.equal(part.headers.get('x-content-type-options'), 'nosniff')
  }
})
