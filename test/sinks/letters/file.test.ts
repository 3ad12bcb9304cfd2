import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { recordToJson } from '../../../src/change.ts'
import { SILENT } from '../../../src/observe/log.ts'
import { openLetterFile } from '../../../src/sinks/letter-file.ts'
import { fileOutput, linesOf } from '../../../src/sinks/line-output.ts'
import { put } from '../../support/changes.ts'
import { describeLetters, type LettersPlace, raw, refused } from './conformance.ts'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-letters-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

function filePlace(t: TestContext): LettersPlace & { path(relay: string): string } {
  const folder = folderOf(t)
  const path = (relay: string): string => join(folder, `${relay}.jsonl`)
  return {
    path,
    async keep(relay, letters) {
      const output = fileOutput(path(relay), SILENT)
      await output.open(AbortSignal.timeout(10_000))
      await output.write(linesOf(letters))
      await output.close()
    },
    open: (relay) => openLetterFile({ path: path(relay), writes: true }),
  }
}

describeLetters('file', async (t) => filePlace(t))

test('what is let go leaves no value in the file, and what the relay writes meanwhile stays', async (t) => {
  const { path } = filePlace(t)
  const output = fileOutput(path('relay'), SILENT)
  t.after(() => output.close())
  await output.open(AbortSignal.timeout(10_000))
  await output.write(linesOf([refused(put('secret', 7)), raw('2')]))
  const store = await openLetterFile({ path: path('relay'), writes: true })
  t.after(() => store.close())
  const { letters } = await store.read({}, null, 10)
  await output.write(linesOf([raw('3')]))
  const { size } = statSync(path('relay'))
  await store.settle!(
    letters.map(({ id }) => id),
    [],
  )
  const text = readFileSync(path('relay'), 'utf8')
  assert.equal(text.length, size)
  assert.deepEqual(
    text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { kind: string }).kind),
    ['done-letter', 'done-letter', 'dead-letter'],
  )
  assert.doesNotMatch(text, /secret/)
  await output.write(linesOf([raw('4')]))
  const again = await openLetterFile({ path: path('relay'), writes: false })
  assert.deepEqual(
    (await again.list({}, null, 10)).letters.map(({ source }) => source.sequence),
    ['3', '4'],
  )
})

test('a file whose letters are all gone is emptied, unless a relay has it open', async (t) => {
  const { path, keep, open } = filePlace(t)
  await keep('relay', [raw('1'), raw('2')])
  const store = await open('relay')
  const ids = (await store.list({}, null, 10)).letters.map(({ id }) => id)
  await store.remove([ids[0]!])
  assert.notEqual(statSync(path('relay')).size, 0)
  await store.remove([ids[1]!])
  assert.equal(statSync(path('relay')).size, 0)
  await store.close()
})

test('what failed again has its new reason and the count of its attempts, until it goes', async (t) => {
  const { keep, open } = filePlace(t)
  await keep('relay', [raw('1')])
  for (const attempts of [1, 2]) {
    const store = await open('relay')
    const { id } = (await store.list({}, null, 10)).letters[0]!
    await store.settle!([], [{ id, code: 'SINK_REFUSED', detail: `reason ${attempts}`, table: 'orders', version: '7' }])
    await store.close()
    const [letter] = (await (await openedAgain(t, open)).list({}, null, 10)).letters
    assert.deepEqual(
      [letter!.code, letter!.detail, letter!.attempts, letter!.table, letter!.version],
      ['SINK_REFUSED', `reason ${attempts}`, attempts, 'orders', '7'],
    )
    assert.ok(Date.parse(letter!.triedAt!) > 0)
  }
})

test('lines of one record are one letter; torn and foreign lines are none', async (t) => {
  const { path, keep, open } = filePlace(t)
  await keep('relay', [raw('1'), raw('2'), raw('1')])
  appendFileSync(
    path('relay'),
    `{"kind":"change"}\n{"kind":"dead-letter"}      \n\n${recordToJson(raw('9')).slice(0, 60)}`,
  )
  const store = await open('relay')
  t.after(() => store.close())
  const { letters } = await store.list({}, null, 10)
  assert.deepEqual(
    letters.map(({ source }) => source.sequence),
    ['1', '2'],
  )
  assert.equal(await store.remove([letters[0]!.id]), 1)
  assert.match(
    readFileSync(path('relay'), 'utf8'),
    /^\{"kind":"done-letter"\} +\n\{"kind":"dead-letter".*\n\{"kind":"done-letter"\} +\n/,
  )
})

test('two commands that let letters go take turns, and one that looks waits for nobody', async (t) => {
  const { path, keep, open } = filePlace(t)
  await keep('relay', [raw('1')])
  const store = await open('relay')
  t.after(() => store.close())
  const looks = await openLetterFile({ path: path('relay'), writes: false })
  assert.equal((await looks.list({}, null, 10)).letters.length, 1)
  await assert.rejects(open('relay'), { code: 'STATE_HELD' })
})

test('a file keeps no times, and does not take their filters for none', async (t) => {
  const { keep, open } = filePlace(t)
  await keep('relay', [raw('1')])
  const store = await open('relay')
  t.after(() => store.close())
  await assert.rejects(store.list({ sinceMs: 0 }, null, 10), { code: 'CONFIGURATION', message: /does not keep when/ })
})

test('no file holds no letters, and none is made', async (t) => {
  const folder = folderOf(t)
  const store = await openLetterFile({ path: join(folder, 'none.jsonl'), writes: false })
  assert.deepEqual(await store.list({}, null, 10), { letters: [], next: null })
  assert.throws(() => statSync(join(folder, 'none.jsonl')), { code: 'ENOENT' })
})

async function openedAgain(t: TestContext, open: LettersPlace['open']) {
  const store = await open('relay')
  t.after(() => store.close())
  return { list: async (...args: Parameters<typeof store.list>) => store.list(...args).finally(() => store.close()) }
}
