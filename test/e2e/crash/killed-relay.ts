import { setTimeout as sleep } from 'node:timers/promises'
import type { Kinesalite } from '../../support/kinesis/kinesalite.ts'
import type { Random } from '../../support/life/random.ts'
import type { ReshardedStream } from '../../support/life/stream.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { type RelayProcess, startRelay } from '../../support/processes/relay-process.ts'
import { startWireProxy } from '../../support/wire/wire-proxy.ts'
import { momentReader } from '../../support/wire/wire-proxy-moments.ts'
import type { KillKind, KillPlan } from './kill-plan.ts'
import { watchedMoves, watchPositions } from './positions-watch.ts'

export interface Drain {
  readonly kinesis: Kinesalite
  readonly stream: string
  readonly written: ReshardedStream
  /** Where the database is reached. */
  readonly server: { readonly port: number }
  readonly database: TestDatabase
  readonly options: readonly string[]
  readonly plan: KillPlan
  readonly random: Random
}

export interface Drained {
  readonly processes: number
  readonly watchedMoves: number
  /** Children that were asked for, and those of them whose parents' end was not committed at that moment. */
  readonly childrenAskedFor: ReadonlySet<string>
  readonly askedForTooEarly: readonly string[]
}

/**
 * Drains a stream into a database with one process after another, each killed where the plan says, until one comes to
 * the end. What passes on the wires, to the database and to the stream, is seen by this one process in its true order.
 */
export async function drainWithKills(drain: Drain): Promise<Drained> {
  const { kinesis, stream, written, server, database, options, plan, random } = drain
  /** The shards whose end is known to be committed. */
  let finished = new Set<string>()
  const childrenAskedFor = new Set<string>()
  const askedForTooEarly: string[] = []
  let relay: RelayProcess | undefined
  let killed: KillKind | null = null
  let wrote = () => {}

  function kill(kind: KillKind | null): boolean {
    if (kind === null) return false
    killed = kind
    relay!.child.kill('SIGKILL')
    return true
  }

  const readers = new WeakMap<object, ReturnType<typeof momentReader>>()
  const proxy = await startWireProxy({ host: '127.0.0.1', port: server.port }, (seen, connection) => {
    const reader = readers.get(connection) ?? momentReader()
    readers.set(connection, reader)
    const moment = reader(seen)
    if (moment === null || killed !== null) return 'pass'
    if (moment.kind === 'commit answered') for (const shard of moment.finished) finished.add(shard)
    if (moment.kind === 'write sent') wrote()
    return kill(plan.at(moment)) ? 'cut-after' : 'pass'
  })
  const stopObserving = kinesis.observe(({ operation, body }) => {
    const parents = operation === 'GetShardIterator' ? written.parents.get(String(body.ShardId)) : undefined
    if (parents === undefined) return
    childrenAskedFor.add(String(body.ShardId))
    for (const parent of parents) {
      if (!finished.has(parent)) askedForTooEarly.push(`${body.ShardId} before the end of ${parent}`)
    }
    if (killed === null) kill(plan.atChild())
  })

  /** While it starts, or a moment after its first write. */
  async function killByChance(process: RelayProcess): Promise<void> {
    if (random.chance(0.3)) await sleep(random.below(500))
    else {
      const delayMs = random.below(60)
      await new Promise<void>((resolve) => {
        wrote = resolve
      })
      await sleep(delayMs)
    }
    if (killed === null && relay === process && process.child.exitCode === null) kill(plan.byChance())
  }

  const url = new URL(database.url)
  url.port = String(proxy.port)
  const args = ['run', '--source', stream, '--sink', url.href, '--endpoint-url', kinesis.endpoint, '--until-latest']

  let processes = 0
  try {
    for (;;) {
      const byChance = plan.arm()
      killed = null
      relay = startRelay([...args, ...options])
      processes++
      if (byChance) void killByChance(relay)
      const end = await relay.ended
      if (killed === null) {
        if (end.exitCode !== 0) throw new Error(`The relay ended with ${end.exitCode ?? end.signal}:\n${end.stderr}`)
        break
      }
      await sessionsEnd(database)
      // The answer to a COMMIT may have been lost together with its process: then only the database knows.
      finished = await shardsFinished(database)
      if (processes === 1) await watchPositions(database)
    }
    return { processes, watchedMoves: await watchedMoves(database), childrenAskedFor, askedForTooEarly }
  } finally {
    stopObserving()
    relay?.child.kill('SIGKILL')
    await proxy.close()
  }
}

/** Waits for the sessions of a killed relay: what it sent last may still be at work. */
async function sessionsEnd({ query }: TestDatabase): Promise<void> {
  const others = `
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'cdc-relay'`
  while ((await query(others)).length > 0) await sleep(5)
}

async function shardsFinished({ query }: TestDatabase): Promise<Set<string>> {
  const rows = await query<{ shard: string }>(`SELECT shard FROM cdc_relay.positions WHERE sequence = 'SHARD_END'`)
  return new Set(rows.map(({ shard }) => shard))
}
