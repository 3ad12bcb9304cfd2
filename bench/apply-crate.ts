/**
 * The CPU time that a change costs the relay on its way to CrateDB. The stand-in for CrateDB is a process of its own, and
 * slow: only the time of this process means something.
 *
 *   node bench/apply-crate.ts
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { SourceTable } from '../src/batch.ts'
import type { Change } from '../src/change.ts'
import { claimOf } from '../test/support/changes.ts'
import { sqlSinkOf } from '../test/support/targets/sql-target.ts'
import { BATCH, writeThrough } from './compare-apply.ts'
import { dmsOrderChanges, ORDER_COLUMN_TYPES } from './dms-order-changes.ts'
import { orderChanges } from './dynamodb-orders.ts'

const GOAL_MICROS = 25
const ROUNDS = 2

const dms = dmsOrderChanges(60_000)
console.log(`  batches of ${BATCH}, best of ${ROUNDS} each`)
print('document', await bestOf('document', orderChanges().changes.slice(0, 60_000), new Map()))
print('columns', await bestOf('columns', dms.changes, dms.tables))

async function bestOf(
  layout: 'columns' | 'document',
  changes: readonly Change[],
  tables: ReadonlyMap<string, SourceTable>,
): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) best = Math.min(best, await microsOfChange(layout, changes, tables))
  return best
}

async function microsOfChange(
  layout: 'columns' | 'document',
  changes: readonly Change[],
  tables: ReadonlyMap<string, SourceTable>,
): Promise<number> {
  const server = spawn(process.execPath, ['crate-server.ts'], {
    cwd: import.meta.dirname,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [url] = (await once(createInterface(server.stdout), 'line')) as [string]
  const sink = sqlSinkOf({ url, layout, deletes: 'soft', declaredTypes: ORDER_COLUMN_TYPES })
  try {
    const { signal } = new AbortController()
    await sink.open(claimOf(), signal)
    const before = process.cpuUsage()
    await writeThrough(sink, changes, tables, signal)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / changes.length
  } finally {
    await sink.close()
    server.stdin.end()
    await once(server, 'exit')
  }
}

function print(layout: string, micros: number): void {
  const verdict = micros <= GOAL_MICROS ? 'reached' : 'MISSED'
  console.log(`  ${layout}: ${micros.toFixed(1)} µs of CPU time per change, goal ${GOAL_MICROS}: ${verdict}`)
  if (micros > GOAL_MICROS) process.exitCode = 1
}
