import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { sinkProblem } from '../../src/sinks/by-url.ts'
import { runProgramAgain } from '../support/processes/many-runs.ts'
import { PROGRAM } from '../support/processes/program-path.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cdc-relay-cli-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

let shown: Promise<readonly [top: Outcome, run: Outcome]> | undefined
/** The help of the program and of its command `run`, asked for once. */
const helps = () => (shown ??= Promise.all([run(['--help']), run(['run', '--help'])]))

test('--help names the command, run --help its options, both with exit code 0', async () => {
  const [top, help] = await helps()
  assert.equal(top.code, 0)
  assert.match(top.stdout, /cdc-relay run +Read a stream/)
  assert.equal(help.code, 0)
  for (const option of [
    '--source',
    '--sink',
    '--until-latest',
    '--batch-records',
    'CDC_RELAY_BATCH_RECORDS',
    'Exit codes',
  ]) {
    assert.ok(help.stdout.includes(option), option)
  }
})

test('-h and -v work at every level, as help does', async () => {
  const [[top, help], version] = await Promise.all([helps(), run(['--version'])])
  for (const [args, expected] of [
    [['-h'], top],
    [['help'], top],
    [['run', '-h'], help],
    [['help', 'run'], help],
    [['-v'], version],
    [['run', '-v'], version],
    [['check', '-v'], version],
  ] as const) {
    assert.deepEqual(await run([...args]), expected, args.join(' '))
  }
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/)
  assert.match((await run(['help', 'check'])).stdout, /cdc-relay check --sink URL/)
})

test('the help lists every kind of sink with an example that is right', async () => {
  const known = sinkProblem('x:', {})!
    .match(/[a-z]+:/g)!
    .filter((scheme) => !['x:', 'postgres:'].includes(scheme))
  for (const { stdout } of await helps()) {
    const examples = [...stdout.matchAll(/^ {2}--sink '?([^ ']+)/gm)].map(([, sink]) => sink!)
    assert.deepEqual(new Set(examples.map((sink) => /^[a-z]+:/.exec(sink)![0])), new Set(known))
    for (const sink of examples) assert.equal(sinkProblem(sink, {}), null, sink)
  }
})

test('no command, an unknown one and what stands in the wrong place are usage errors, with a hint', async () => {
  const cases = [
    [[], /cdc-relay check[\s\S]*Which command\?/],
    [['--source', 'x'], /Which command\?/],
    [['rnu'], /^Unknown command: rnu \(did you mean run\?\)\. /],
    [['help', 'chekc'], /^Unknown command: chekc \(did you mean check\?\)\. /],
    [
      ['crate://app:s3cret word@db'],
      /^Unknown command: crate:\/\/app:\*\*\*@db \(did you mean cdc-relay run --source STREAM/,
    ],
    [['run', '--sink'], /^Not enough arguments following: sink\. `--help`/],
    [['run', '--until-latest=yes'], /--until-latest must be true or false/],
    [['run', '--take-over', '--take-over=false'], /--take-over is given twice/],
    [['check', '--json', '--json=on'], /--json is given twice/],
    [['check', '--json=on'], /--json must be true or false/],
    [
      ['check', '--sink', 'crate://h', '--sink-password-file', 'none', '--json=on'],
      /--sink-password-file none cannot be read: ENOENT.*; --json must be/,
    ],
    [['check', 'file:x', 'jsn'], /file:x\\" stands alone; \\"jsn\\" is not an option \(did you mean --json\?\);/],
  ] as const
  const outcomes = await played(cases.map(([args]) => args))
  for (const [i, { code, stdout, stderr }] of outcomes.entries()) {
    const [args, words] = cases[i]!
    assert.equal(code, 2, args.join(' '))
    assert.equal(stdout, '')
    assert.match(stderr, words)
    assert.doesNotMatch(stderr, /s3cret|word@/)
  }
  assert.deepEqual(await run([...cases[2][0]]), outcomes[2], 'as a process of its own')
})

test('a password that stands in the wrong place is not shown', async () => {
  const url = 'postgresql://app:s3cret@db/w'
  const lines = [
    [url],
    ['run', url],
    ['run', '--sink', 'postgresql://app:a', 's3cret@db/w'],
    ['check', url],
    [`--${url}`],
  ]
  for (const [i, { code, stdout, stderr }] of (await played(lines)).entries()) {
    assert.equal(code, 2, lines[i]!.join(' '))
    assert.ok(!`${stdout}${stderr}`.includes('s3cret'), stderr)
    assert.match(stderr, /\*\*\*@db\/w|Which command/)
  }
  writeFileSync(join(folder, 'relay.yaml'), 'source: file:x\nsink: "postgresql://app:s3cret\n')
  assert.ok(!(await run(['run', '--config', 'relay.yaml'])).stderr.includes('s3cret'))
})

test('every problem of the configuration is in one message, exit code 2', async () => {
  const { code, stdout, stderr } = await again(['run', '--mode', 'mirorr', '--batch-recrods', '5', '--memory', 'much'])
  assert.equal(code, 2)
  assert.equal(stdout, '')
  for (const part of [
    '--source is missing',
    '--sink is missing',
    '--mode must be',
    '--batch-recrods is not an option',
    '--memory "much"',
  ]) {
    assert.ok(stderr.includes(part.replaceAll('"', '\\"')), `${part}\n${stderr}`)
  }
})

test('an unknown kind of sink is refused with the known ones', async () => {
  const { code, stderr } = await again(['run', '--source', 'file:x', '--sink', 'mysql://db'])
  assert.equal(code, 2)
  assert.match(stderr, /mysql: is not known.*postgresql:/)
})

test('records on standard input come out as change records, the summary on standard error', async () => {
  const { code, stdout, stderr } = await run(
    ['run', '--source', 'file:-', '--sink', 'jsonl:-'],
    `${INSERT}\n${REMOVE}\n`,
  )
  assert.equal(code, 0)
  const source = { format: 'dynamodb', stream: 'stdin', shard: 'file' }
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    `{"kind":"change","op":"insert","table":{"schema":null,"name":"t"},"key":{"id":"a"},"before":null,"after":{"id":"a","n":0.1234567890123456789},"complete":true,"version":"1754300000112233","time":"2025-08-04T09:33:20.112233Z","source":${JSON.stringify({ ...source, sequence: String(INSERT.length + 1), eventId: 'e1' })}}`,
    `{"kind":"change","op":"delete","table":{"schema":null,"name":"t"},"key":{"id":"a"},"before":{"id":"a"},"after":null,"complete":true,"version":"1754300000112234","time":"2025-08-04T09:33:20.112234Z","expired":true,"source":${JSON.stringify({ ...source, sequence: String(INSERT.length + REMOVE.length + 2), eventId: 'e2' })}}`,
  ])
  const [summary, last] = stderr
    .trimEnd()
    .split('\n')
    .slice(-2)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.equal(summary!.read, 2)
  assert.equal(summary!.applied, 2)
  assert.deepEqual([last!.level, last!.code, last!.msg], ['info', 'ENDS', 'cdc-relay ends'])
})

test('the log begins with who reads what into what, and from where', async () => {
  writeFileSync(join(folder, 'in.jsonl'), `${INSERT}\n`)
  const args = ['run', '--source', 'file:in.jsonl', '--sink', 'jsonl:out.jsonl', '--name', 'shop']
  const saidBy = async () =>
    (await run(args)).stderr
      .split('\n')
      .slice(0, 2)
      .map((line) => JSON.parse(line))
  const [first, begins] = await saidBy()
  const { version } = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../package.json'), 'utf8'))
  assert.deepEqual(
    [first.version, first.source, first.sink, first.name],
    [version, 'file:in.jsonl', 'jsonl:out.jsonl', 'shop'],
  )
  assert.match(first.start, /earliest/)
  assert.deepEqual([begins.shards, begins.from], ['all', 'earliest'])
  const inVain = (await run([...args, '--mode', 'append'])).stderr.split('\n')
  assert.match(inVain[0]!, /cdc-relay .* begins/)
  assert.match(inVain[1]!, /--mode has no effect here/)
  const [, again] = await saidBy()
  assert.deepEqual([again.shards, again.afterPosition, again.sequence], [1, 1, String(INSERT.length + 1)])
})

test('a look at a file shows it each time and leaves nothing behind; with --state it goes on where it was', async () => {
  writeFileSync(join(folder, 'in.jsonl'), `${INSERT}\n${REMOVE}\n`)
  const look = ['run', '--source', 'file:in.jsonl', '--sink', 'jsonl:-']
  const [first, second] = [await run(look), await run(look)]
  assert.equal(first.stdout.trimEnd().split('\n').length, 2)
  assert.equal(second.stdout, first.stdout)
  assert.deepEqual(readdirSync(folder), ['in.jsonl'])
  const kept = [...look, '--state', 'file:state.json']
  assert.equal((await run(kept)).stdout, first.stdout)
  assert.equal((await run(kept)).stdout, '')
  const written = [...look.slice(0, -1), 'jsonl:out.jsonl']
  for (let times = 0; times < 2; times++) assert.equal((await run(written)).code, 0)
  assert.equal(lines('out.jsonl').length, 2)
})

test('a bad record becomes a dead letter, and the stream goes on', async () => {
  const { code, stdout, stderr } = await run(
    ['run', '--source', 'file:-', '--sink', 'jsonl:-'],
    `${INSERT}\nnot JSON\n${REMOVE}\n`,
  )
  assert.equal(code, 0)
  assert.equal(stdout.trimEnd().split('\n').length, 2)
  const letter = stderr.split('\n').find((line) => line.includes('"dead-letter"'))
  assert.ok(letter !== undefined, stderr)
  const { code: reason, raw } = JSON.parse(letter) as { code: string; raw: string }
  assert.equal(reason, 'DECODE_NOT_JSON')
  const told = stderr.split('\n').find((line) => line.includes('A record became a dead letter'))
  assert.equal(JSON.parse(told ?? '{}').sequence, String(INSERT.length + 1 + 'not JSON\n'.length), stderr)
  assert.equal(Buffer.from(raw, 'base64').toString(), 'not JSON')
})

test('--on-error stop writes what stands in front of the bad record, names it and leaves with exit code 3; a restart meets it again', async () => {
  writeFileSync(join(folder, 'in.jsonl'), `${INSERT}\nnot JSON\n${REMOVE}\n`)
  const args = ['run', '--source', 'file:in.jsonl', '--sink', 'jsonl:out.jsonl', '--on-error', 'stop']
  const first = await run(args)
  assert.equal(first.code, 3)
  assert.match(first.stderr, new RegExp(`DECODE_NOT_JSON.*sequence ${INSERT.length + 10}`))
  assert.equal(lines('out.jsonl').length, 1)
  const second = await run(args)
  assert.equal(second.code, 3)
  assert.equal(lines('out.jsonl').length, 1)
  // The second run met the bad record before it wrote anything.
  assert.ok(first.stdout.includes('"read":1'))
  assert.equal(second.stdout, '')
  const third = await run(args.slice(0, -2))
  assert.equal(third.code, 0)
  assert.equal(lines('out.jsonl').length, 2)
})

test('a target that is away is waited for; SIGTERM ends the wait with exit code 0; the password is never shown', async () => {
  writeFileSync(join(folder, 'in.jsonl'), `${INSERT}\n`)
  const args = ['run', '--source', 'file:in.jsonl', '--sink', 'postgresql://app:s3cret@127.0.0.1:9/w']
  const { code, stdout, stderr } = await run(args, '', stopOnce('trying again'))
  assert.equal(code, 0, stderr)
  assert.ok(!`${stdout}${stderr}`.includes('s3cret'), stderr)
})

test('a stream that is away is waited for, too, and SIGTERM ends that wait with exit code 0', async () => {
  const args = ['run', '--source', 'orders', '--sink', 'jsonl:out.jsonl', '--endpoint-url', 'http://127.0.0.1:9']
  const { code, stderr } = await run(args, '', stopOnce('trying again'))
  assert.equal(code, 0, stderr)
})

test('SIGHUP ends it in order, too', async () => {
  const args = ['run', '--source', 'orders', '--sink', 'jsonl:out.jsonl', '--endpoint-url', 'http://127.0.0.1:9']
  const { code, stderr } = await run(args, '', stopOnce('trying again', 'SIGHUP'))
  assert.equal(code, 0, stderr)
  assert.match(stderr, /SIGHUP: finishing the batch in hand/)
})

test('a second signal ends it at once, though the attempt in hand is not over', async (t) => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  t.after(() => silent.close())
  await once(silent, 'listening')
  const { port } = silent.address() as { port: number }
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    let asked = 0
    const watch: Watch = (process, stderr) => {
      const said = [/ begins/, /finishing the batch in hand/].filter((words) => words.test(stderr)).length
      if (said > asked) process.kill(signal)
      asked = said
    }
    writeFileSync(join(folder, 'in.jsonl'), `${INSERT}\n`)
    const args = ['run', '--source', 'file:in.jsonl', '--sink', `postgresql://app@127.0.0.1:${port}/w`]
    assert.equal((await run(args, '', watch)).code, code)
  }
})

/** One signal when the program has said this: a second one would end it at once. */
function stopOnce(words: string, signal: NodeJS.Signals = 'SIGTERM'): Watch {
  let isStopped = false
  return (process, stderr) => {
    if (isStopped || !stderr.includes(words)) return
    isStopped = true
    process.kill(signal)
  }
}

const record = (
  eventId: string,
  eventName: string,
  microseconds: string,
  parts: string,
  userIdentity = 'null',
): string =>
  `{"awsRegion":"eu-north-1","eventID":"${eventId}","eventName":"${eventName}","userIdentity":${userIdentity},"recordFormat":"application/json","tableName":"t","dynamodb":{"ApproximateCreationDateTime":${microseconds},"Keys":{"id":{"S":"a"}},${parts},"SizeBytes":9,"ApproximateCreationDateTimePrecision":"MICROSECOND"},"eventSource":"aws:dynamodb"}`
const INSERT = record(
  'e1',
  'INSERT',
  '1754300000112233',
  '"NewImage":{"id":{"S":"a"},"n":{"N":"0.1234567890123456789"}}',
)
const REMOVE = record(
  'e2',
  'REMOVE',
  '1754300000112234',
  '"OldImage":{"id":{"S":"a"}}',
  '{"type":"Service","principalId":"dynamodb.amazonaws.com"}',
)

const lines = (name: string): string[] => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n')

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

type Watch = (process: ReturnType<typeof spawn>, stderr: string) => void

/** As `run`, without a process of its own. */
async function again(args: readonly string[]): Promise<Outcome> {
  const { exitCode, stdout, stderr } = await runProgramAgain(args, { cwd: folder })
  return { code: exitCode, stdout, stderr }
}

const played = (commandLines: readonly (readonly string[])[]): Promise<Outcome[]> =>
  Promise.all(commandLines.map(again))

/** Runs the real program in the test's folder. `watch` sees its standard error as it grows. */
function run(args: string[], input = '', watch: Watch = () => {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: folder, stdio: 'pipe' })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
      watch(child, stderr)
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
    child.stdin.end(input)
  })
}
