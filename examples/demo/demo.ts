/**
 * Plays the life of an orders table through an embedded Kinesis, lets the real program mirror it into an embedded
 * PostgreSQL, kills the program on the way, and compares the mirror row by row with the truth.
 *
 *   npm run demo [-- --changes 200000 --seed 42]
 *
 * Exit code 1 if a single row differs, or if a mirror without any care would have been right, too.
 */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startKinesalite } from '../../test/support/kinesalite.ts'
import { ordersLife, type StreamRecord } from '../../test/support/life.ts'
import { mirrorDifferences } from '../../test/support/life-mirror.ts'
import { anySeed } from '../../test/support/life-random.ts'
import { writeReshardedStream } from '../../test/support/life-stream.ts'
import { readMirror } from './mirror.ts'
import { runToEnd, runUntilChildShard } from './relay-runs.ts'
import { chapter, command, count, endLive, seconds, showLive, tell, title, verdict } from './telling.ts'

const STREAM = 'orders-changes'

const { changes, seed } = readArguments()
const startedMs = performance.now()
const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-demo-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
process.on('SIGINT', () => process.exit(130))

title('The life of an orders table, through cdc-relay')
tell(`To see the same again: npm run demo -- --changes ${changes} --seed ${seed}`)

chapter(1, `A DynamoDB table changes ${count(changes)} times, into a Kinesis stream`)
const kinesis = await startKinesalite()
const life = ordersLife({ seed, changes, orders: Math.ceil(changes / 5) })
const stream = await writeReshardedStream(kinesis, STREAM, withProgress(life.records()), {
  splitAfter: changes * 0.45,
  mergeAfter: changes * 0.55,
})
endLive()
const { figures } = life
tell(
  `${count(figures.records).padStart(9)}  records came, in no order that could be trusted:`,
  `${count(figures.duplicates).padStart(9)}  a second time`,
  `${count(figures.late).padStart(9)}  after a newer change of the same order`,
  `${count(figures.returns).padStart(9)}  placing an order again that had been removed`,
  'Of its four shards one was split on the way, and two were merged.',
)

chapter(2, 'The relay mirrors the stream into PostgreSQL (PGlite, embedded)')
const target = join(folder, 'mirror')
const options = [
  ['--source', STREAM],
  ['--sink', `pglite:${target}`],
  ['--endpoint-url', kinesis.endpoint],
  ['--until-latest'],
]
command('cdc-relay run', ...options.map((option) => option.join(' ')))
const args = ['run', ...options.flat()]
const killed = await runUntilChildShard(args, kinesis, stream)
const half = await readMirror(target)
tell(
  `killed with SIGKILL after ${seconds(killed.afterMs)}, when it asked for ${killed.child}:`,
  `${count(half.rows.length)} rows were there by then, and of ${half.begunShards} shards the position,`,
  `${half.finishedShards} of them read out`,
)

chapter(3, 'The same command once more')
const summary = await runToEnd(args)
const before = figures.records - summary.read
tell(
  `${count(before).padStart(9)}  records were written before the kill; none of them was read again`,
  `${count(summary.read).padStart(9)}  records were left, ${count(Math.round((summary.read * 1000) / summary.elapsedMs))} a second:`,
  `${count(summary.applied).padStart(9)}  applied`,
  `${count(summary.superseded).padStart(9)}  superseded: there was something newer`,
  `${count(summary.skipped + summary.deadLettered).padStart(9)}  anything else`,
)
await kinesis.close()

chapter(4, 'Is the mirror what the table is?')
const truth = life.rows()
const { rows } = await readMirror(target)
const differences = mirrorDifferences(truth, rows)
const naivelyWrong = life.wrongIfLastWins()
tell(
  `${count(rows.length).padStart(9)}  rows, compared in every value, every digit and version:`,
  `${count(differences.length).padStart(9)}  differ`,
  `${count(naivelyWrong).padStart(9)}  orders would be wrong had the last record always won`,
  ...differences.slice(0, 3).map((difference) => difference.slice(0, 400)),
)

const wasKilledInBetween = half.rows.length > 0 && before > 0 && summary.read > 0
if (differences.length > 0) verdict(false, 'The mirror is wrong. This is a bug: please report it, with the seed.')
else if (naivelyWrong === 0) verdict(false, 'Nothing was shown: a mirror without any care is right, too.')
else if (!wasKilledInBetween) verdict(false, 'Nothing was shown: the relay was killed with nothing done, or all.')
else verdict(true, `The mirror is right, to the last digit. ${seconds(performance.now() - startedMs)} in all.`)
process.exitCode = differences.length === 0 && naivelyWrong > 0 && wasKilledInBetween ? 0 : 1

function readArguments(): { changes: number; seed: number } {
  const { values } = parseArgs({ options: { changes: { type: 'string' }, seed: { type: 'string' } } })
  const [changes, seed] = [Number(values.changes ?? 200_000), Number(values.seed ?? anySeed())]
  if (!Number.isInteger(changes) || changes < 1_000 || !Number.isInteger(seed)) {
    console.error('--changes is a whole number from 1000 on, --seed any whole number')
    process.exit(2)
  }
  return { changes, seed }
}

function* withProgress(records: Iterable<StreamRecord>): Generator<StreamRecord> {
  let done = 0
  for (const record of records) {
    if (++done % 5_000 === 0) showLive(`${count(done)} records`)
    yield record
  }
}
