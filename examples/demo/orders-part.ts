import type { Kinesalite } from '../../test/support/kinesis/kinesalite.ts'
import { ordersLife } from '../../test/support/life/life.ts'
import { mirrorDifferences } from '../../test/support/life/mirror.ts'
import { writeReshardedStream } from '../../test/support/life/stream.ts'
import type { OrdersTarget } from './orders-target.ts'
import { runToEnd, runUntilChildShard } from './relay-runs.ts'
import { chapter, command, count, endLive, seconds, tell, title, verdict, withProgress } from './telling.ts'

const STREAM = 'orders-changes'

/**
 * Mirrors a DynamoDB table, killed once on the way.
 *
 * @param target not closed here
 * @returns true if the mirror is right, and something was shown by it
 */
export async function playOrders(
  kinesis: Kinesalite,
  target: OrdersTarget,
  { changes, seed }: { readonly changes: number; readonly seed: number },
): Promise<boolean> {
  title('The life of an orders table in DynamoDB')

  chapter(1, `The table changes ${count(changes)} times, into a Kinesis stream`)
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

  chapter(2, `The relay mirrors the stream into ${target.title}`)
  const options = [['--source', STREAM], ...target.options, ['--endpoint-url', kinesis.endpoint], ['--until-latest']]
  command('cdc-relay run', options)
  const args = ['run', ...options.flat()]
  const killed = await runUntilChildShard(args, kinesis, stream)
  const half = await target.read()
  tell(
    `killed with SIGKILL after ${seconds(killed.afterMs)}, when it asked for ${killed.child}:`,
    `${count(half.rows.length)} rows were there by then, and of ${half.begunShards} shards the position,`,
    `${half.finishedShards} of them read out`,
  )

  chapter(3, 'The same command once more')
  const summary = await runToEnd(args)
  const before = figures.records - summary.read
  tell(
    `${count(before).padStart(9)}  records were written before the kill; ${target.afterKill}`,
    `${count(summary.read).padStart(9)}  records were left, ${count(Math.round((summary.read * 1000) / summary.elapsedMs))} a second:`,
    `${count(summary.applied).padStart(9)}  ${target.applied}`,
    `${count(summary.superseded).padStart(9)}  superseded: there was something newer`,
    `${count(summary.skipped + summary.deadLettered).padStart(9)}  anything else`,
  )

  chapter(4, 'Is the mirror what the table is?')
  const { rows, hiddenRows } = await target.read()
  const differences = mirrorDifferences(life.rows(), rows)
  const naivelyWrong = life.wrongIfLastWins()
  tell(
    `${count(rows.length).padStart(9)}  rows, compared in every value, every digit and version:`,
    `${count(differences.length).padStart(9)}  differ`,
    ...(hiddenRows > 0
      ? [`${count(hiddenRows).padStart(9)}  deleted rows stay beside them, hidden by the view orders_live`]
      : []),
    `${count(naivelyWrong).padStart(9)}  orders would be wrong had the last record always won`,
    ...differences.slice(0, 3).map((difference) => difference.slice(0, 400)),
  )
  const wasKilledInBetween = half.rows.length > 0 && before > 0 && summary.read > 0
  const flaw = wasKilledInBetween ? null : 'the relay was killed with nothing done, or all'
  return verdict({ differences: differences.length, naivelyWrong, flaw })
}
