import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { postgres } from '../support/postgres.ts'
import { type ProgramEnd, runProgram } from '../support/program.ts'

const RECORD =
  '{"eventName":"INSERT","tableName":"t","dynamodb":{"ApproximateCreationDateTime":1754300000112233,"Keys":{"id":{"S":"a"}},"NewImage":{"id":{"S":"a"}}},"eventSource":"aws:dynamodb"}'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-trouble-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'in.jsonl'), `${RECORD}\nnot JSON\n`)
  return folder
}

/** The last line of the log says what ended the program; nothing in the log is a stack trace. */
function endedBy({ code, log, stderr }: ProgramEnd, failure: string, exit: number, words: RegExp): void {
  const last = log.at(-1)!
  assert.equal(last.code, failure, stderr)
  assert.equal(code, exit)
  assert.match(String(last.msg), words)
  assert.ok(!log.some((line) => 'raw' in line || 'stack' in line), stderr)
}

/** What the folder needs to have, the arguments behind `--source file:in.jsonl`, the code, its words. */
const DISKS: [title: string, make: (folder: string) => void, args: string[], code: string, words: RegExp][] = [
  [
    'a full disk under the state',
    (folder) => symlinkSync('/dev/full', join(folder, 'state.json.new')),
    ['--sink', 'jsonl:out.jsonl', '--state', 'file:state.json'],
    'STATE_BROKEN',
    /state\.json cannot be written: ENOSPC, the disk is full; make room, then start the relay again/,
  ],
  [
    'a full disk under the lock of the state',
    (folder) => symlinkSync('/dev/full', join(folder, 'state.json.lock')),
    ['--sink', 'jsonl:out.jsonl', '--state', 'file:state.json'],
    'STATE_BROKEN',
    /state\.json\.lock cannot be written/,
  ],
  [
    'no folder for the state',
    () => {},
    ['--sink', 'jsonl:out.jsonl', '--state', 'file:there/state.json'],
    'STATE_BROKEN',
    /there\/state\.json\.lock cannot be written: ENOENT, .*make the folder/,
  ],
  [
    'a state that is something else',
    (folder) => writeFileSync(join(folder, 'state.json'), 'secret-value'),
    ['--sink', 'jsonl:out.jsonl', '--state', 'file:state.json'],
    'STATE_BROKEN',
    /state\.json cannot be read: it is not JSON/,
  ],
  [
    'no folder for the output',
    () => {},
    ['--sink', 'jsonl:there/out.jsonl'],
    'CONFIGURATION',
    /there\/out\.jsonl cannot be opened for writing: .*make the folder/,
  ],
  [
    'a folder where the output should be',
    (folder) => mkdirSync(join(folder, 'out.jsonl')),
    ['--sink', 'jsonl:out.jsonl'],
    'CONFIGURATION',
    /out\.jsonl cannot be opened for writing: EISDIR, it is a folder/,
  ],
  [
    'no folder for the dead letters',
    () => {},
    ['--sink', 'jsonl:out.jsonl', '--dead-letters', 'file:there/dead.jsonl'],
    'CONFIGURATION',
    /there\/dead\.jsonl cannot be opened for writing/,
  ],
]
for (const [title, make, args, code, words] of DISKS) {
  test(`${title} has a code and no stack trace`, async (t) => {
    const cwd = folderOf(t)
    make(cwd)
    const end = await runProgram(['run', '--source', 'file:in.jsonl', ...args], { cwd })
    endedBy(end, code, code === 'CONFIGURATION' ? 2 : 1, words)
    assert.ok(!end.stderr.includes('secret-value'))
  })
}

test('a full disk under standard output has a code and no stack trace', async (t) => {
  const cwd = folderOf(t)
  const end = await runProgram(['run', '--source', 'file:in.jsonl', '--sink', 'jsonl:-'], {
    cwd,
    stdoutTo: '/dev/full',
  })
  endedBy(end, 'SINK_FAILED', 1, /Standard output cannot be written: ENOSPC, the disk is full/)
})

test('a state store that refuses the login, or has no such database, has a code and no stack trace', async (t) => {
  const cwd = folderOf(t)
  const server = await postgres()
  for (const state of [server.url().replace(/:[^:@]*@/, ':wrong-password-9@'), server.url('missing')]) {
    const args = ['run', '--source', 'file:in.jsonl', '--sink', 'jsonl:out.jsonl', '--state', state]
    const end = await runProgram(args, { cwd })
    endedBy(end, 'STATE_LOGIN', 2, /The state store/)
    assert.ok(!end.stderr.includes('wrong-password-9'), end.stderr)
  }
})
