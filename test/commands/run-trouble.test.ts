import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { platform } from 'node:process'
import { type TestContext, test } from 'node:test'
import { connect } from '../../src/sinks/sql/connect.ts'
import { sqlStateStore } from '../../src/sinks/sql/state-store.ts'
import { lockFile } from '../../src/state/file-lock.ts'
import { claimOf } from '../support/changes.ts'
import { postgres, testDatabase } from '../support/postgres/postgres.ts'
import { runProgramAgain } from '../support/processes/many-runs.ts'
import { logLines, type ProgramEnd, type ProgramOptions, runProgram } from '../support/processes/program.ts'

const RECORD =
  '{"eventName":"INSERT","tableName":"t","dynamodb":{"ApproximateCreationDateTime":1754300000112233,"Keys":{"id":{"S":"a"}},"NewImage":{"id":{"S":"a"}}},"eventSource":"aws:dynamodb"}'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-trouble-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'in.jsonl'), `${RECORD}\nnot JSON\n`)
  return folder
}

const FROM_FILE = ['run', '--source', 'file:in.jsonl']

/** A run whose end is of interest, not that of its process. */
async function runs(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ProgramEnd> {
  const { exitCode, stdout, stderr } = await runProgramAgain(args, { cwd, env })
  return { code: exitCode, stdout, stderr, log: logLines(stderr) }
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
    const end = await runs(cwd, [...FROM_FILE, ...args])
    endedBy(end, code, code === 'CONFIGURATION' ? 2 : 1, words)
    assert.ok(!end.stderr.includes('secret-value'))
  })
}

test('a full disk under standard output has a code and no stack trace', async (t) => {
  const cwd = folderOf(t)
  const end = await runProgram([...FROM_FILE, '--sink', 'jsonl:-'], {
    cwd,
    stdoutTo: '/dev/full',
  })
  endedBy(end, 'SINK_FAILED', 1, /Standard output cannot be written: ENOSPC, the disk is full/)
})

test('a state store that refuses the login, or has no such database, has a code and no stack trace', async (t) => {
  const cwd = folderOf(t)
  const server = await postgres()
  for (const state of [server.url().replace(/:[^:@]*@/, ':wrong-password-9@'), server.url('missing')]) {
    const end = await runs(cwd, [...FROM_FILE, '--sink', 'jsonl:out.jsonl', '--state', state])
    endedBy(end, 'STATE_LOGIN', 2, /The state store/)
    assert.ok(!end.stderr.includes('wrong-password-9'), end.stderr)
  }
})

/** The test server asks for a password; this is its URL without one, and the password. */
async function passwordless(): Promise<{ url: string; password: string }> {
  const url = new URL((await postgres()).url())
  const password = decodeURIComponent(url.password)
  url.password = ''
  return { url: url.href, password }
}

for (const what of ['--sink', '--state'] as const) {
  test(`${what}: a server that wants a password and gets none ends the relay at once, and says what to do`, async (t) => {
    const cwd = folderOf(t)
    const { url } = await passwordless()
    const args = what === '--sink' ? ['--sink', url] : ['--sink', 'jsonl:out.jsonl', '--state', url]
    // The server would keep the connection for a minute, and that the process.
    const patience = AbortSignal.timeout(30_000)
    const watch = (child: { kill(signal: 'SIGKILL'): unknown }): void =>
      patience.addEventListener('abort', () => child.kill('SIGKILL'), { once: true })
    const end = await runProgram([...FROM_FILE, ...args], { cwd, watch })
    const code = what === '--sink' ? 'SINK_LOGIN' : 'STATE_LOGIN'
    endedBy(end, code, 2, /asks for a password, and none is given.*PGPASSWORD.*--sink-password-file.*PGPASSFILE/)
  })
}

test('the password comes from --sink-password-file, PGPASSWORD or the file of libpq', async (t) => {
  const cwd = folderOf(t)
  const { password } = await passwordless()
  const database = new URL((await testDatabase(t)).url)
  database.password = ''
  writeFileSync(join(cwd, 'password'), `${password}\n`)
  writeFileSync(join(cwd, 'pgpass'), `127.0.0.1:*:*:*:${password}\n`, { mode: 0o600 })
  const ways: { args?: string[]; env?: Record<string, string> }[] = [
    { args: ['--sink-password-file', 'password'], env: { PGPASSWORD: 'another' } },
    { env: { PGPASSWORD: password } },
    { env: { PGPASSFILE: 'pgpass' } },
  ]
  for (const { args = [], env = {} } of ways) {
    const end = await runs(cwd, [...FROM_FILE, '--sink', database.href, ...args], env)
    assert.equal(end.code, 0, end.stderr)
    assert.ok(!end.log.some(({ warning }) => warning !== undefined), end.stderr)
    assert.ok(!`${end.stdout}${end.stderr}`.includes(password))
  }
})

test('a password file that is not there, is empty, or stands beside a password is refused', async (t) => {
  const cwd = folderOf(t)
  const { url } = await passwordless()
  writeFileSync(join(cwd, 'empty'), '')
  const cases: [args: string[], code: string, words: RegExp][] = [
    [
      ['--sink', url, '--sink-password-file', 'there'],
      'CONFIGURATION',
      /--sink-password-file there cannot be read: ENOENT/,
    ],
    [['--sink', url, '--sink-password-file', 'empty'], 'SINK_LOGIN', /the file empty is empty/],
    [
      ['--sink', 'postgresql://app:p@127.0.0.1/w', '--sink-password-file', 'empty'],
      'CONFIGURATION',
      /--sink-password-file and a password in --sink exclude each other/,
    ],
  ]
  for (const [args, code, words] of cases) {
    endedBy(await runs(cwd, [...FROM_FILE, ...args]), code, 2, words)
  }
})

test('a password in the URL is not to be seen in ps once the program runs', {
  skip: platform !== 'linux',
}, async (t) => {
  const cwd = folderOf(t)
  const args = [...FROM_FILE, '--sink', 'postgresql://app:s3cret-word@127.0.0.1:9/w']
  let shown = ''
  const watch: ProgramOptions['watch'] = (child, stderr) => {
    if (shown !== '' || !stderr.includes('trying again')) return
    shown = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')
    child.kill('SIGTERM')
  }
  await runProgram(args, { cwd, watch })
  assert.match(shown, /postgresql:\/\/app:\*\*\*@127/)
  assert.doesNotMatch(shown, /s3cret-word/)
})

test('a source file that is not there, or was cut since, says which file and what to do, and nothing of streams', async (t) => {
  const cwd = folderOf(t)
  const sink = ['--sink', 'jsonl:out.jsonl', '--state', 'file:state.json']
  const missing = await runs(cwd, ['run', '--source', 'file:there.jsonl', ...sink])
  endedBy(missing, 'SOURCE_NOT_FOUND', 2, /There is no file \/.*\/there\.jsonl/)
  assert.doesNotMatch(missing.stderr, /region and account/)

  const long = join(cwd, 'long.jsonl')
  const args = ['run', '--source', 'file:long.jsonl', ...sink]
  writeFileSync(long, `${RECORD}\n`.repeat(200))
  assert.equal((await runs(cwd, args)).code, 0)
  writeFileSync(long, `${RECORD}\n`.repeat(100))
  endedBy(await runs(cwd, args), 'SOURCE_CHANGED', 2, /was cut or replaced.*under another `--name`/)
})

test('a PGlite folder, a state file, a name that another one holds: each says what helps, and nothing that does not', async (t) => {
  const cwd = folderOf(t)
  const folder = join(cwd, 'data')
  const state = join(cwd, 'state.json')
  const held = [await lockFile(`${folder}.lock`), await lockFile(`${state}.lock`)]
  t.after(() => Promise.all(held.map((lock) => lock.release())))
  const args = [...FROM_FILE, '--sink']
  const inFolder = await runs(cwd, [...args, `pglite:${folder}`])
  endedBy(
    inFolder,
    'STATE_HELD',
    4,
    /The PGlite folder .*data is open in process \d+ on host .*: stop that process first/,
  )
  assert.doesNotMatch(inFolder.stderr, /take-over|--name/)
  const inState = await runs(cwd, [...args, 'jsonl:out.jsonl', '--state', `file:${state}`])
  endedBy(inState, 'STATE_HELD', 4, /state\.json\.lock is locked by process \d+ .*stop that process/)
  assert.doesNotMatch(inState.stderr, /or take/)

  const database = await testDatabase(t)
  const store = sqlStateStore(await connect(database.url))
  t.after(() => store.close())
  const { relay, ...claim } = claimOf()
  await store.claim({ ...claim, relay: { ...relay, name: 'shop' } }, AbortSignal.timeout(30_000))
  const ofName = await runs(cwd, [...args, database.url, '--name', 'shop'])
  endedBy(
    ofName,
    'STATE_HELD',
    4,
    /held by process \d+ .*stop that relay, give this one another `--name`, or take .*--take-over/,
  )
})
