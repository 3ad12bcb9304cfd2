import Table from 'cli-table3'
import prettyMs from 'pretty-ms'
import type { Holder, ShardStatus, Status, TableStatus } from './status.ts'

/** For people, on a terminal. @param now epoch ms */
export function statusText(status: Status, now: number): string {
  const { name, state, stream, shards, tables, warnings, notKnown, start, settings } = status
  const given = Object.entries(settings).flatMap(([option, value]) => (value === '' ? [] : [`--${option} ${value}`]))
  const kept = stream.retentionMs === null ? '' : `, which keeps records for ${age(stream.retentionMs)}`
  return [
    `${name}: ${holderText(status, now)}`,
    `state   ${state}`,
    `stream  ${stream.id}, created ${stream.created}${kept}`,
    `began   at ${start ?? 'earliest'}${given.length === 0 ? '' : ` with ${given.join(' ')}`}`,
    ...(shards.length === 0 ? ['No position is stored: reading begins at the oldest record.'] : [shardsText(shards)]),
    ...(tables.length === 0 ? [] : [tablesText(tables)]),
    ...lettersText(status),
    ...warnings.map((warning) => `WARNING: ${warning}.`),
    ...notKnown.map((what) => `not known: ${what}.`),
    '',
  ].join('\n')
}

function holderText({ isRunning, holder }: Status, now: number): string {
  if (isRunning === null) return 'under an engine (Lambda, KCL), which keeps the positions'
  if (holder === null) return 'nobody has the name'
  const who = `process ${holder.process} on ${holder.host}`
  if (!isRunning) return `not running; ${who} had the name last, since ${holder.since}${heardText(holder, now)}`
  return `running, as ${who} since ${holder.since}${heardText(holder, now)}`
}

const heardText = ({ heardOf }: Holder, now: number): string =>
  heardOf === null ? '' : `, heard of ${age(Math.max(0, now - Date.parse(heardOf)))} ago`

/** Where each shard stands, as a table. */
export function shardsText(shards: readonly ShardStatus[]): string {
  const table = plainTable(['shard', 'standing', 'read up to', 'behind', 'sequence number'])
  for (const { shard, standing, upTo, behindMs, sequence } of shards) {
    table.push([shard, standing, upTo ?? 'not known', behindMs === null ? '' : `≤ ${age(behindMs)}`, sequence])
  }
  return table.toString()
}

function tablesText(tables: readonly TableStatus[]): string {
  const table = plainTable(['table', 'target', 'key', 'floor'])
  for (const { table: source, target, key, floor } of tables) {
    const keyText = key === null ? 'not known' : key.length === 0 ? 'none' : key.join(', ')
    table.push([source, target === null ? '' : `${target.schema}.${target.name}`, keyText, floor ?? ''])
  }
  return table.toString()
}

function lettersText({ deadLetters: { keptIn, count, kinds } }: Status): string[] {
  if (keptIn === null || count === null) return []
  if (count === 0) return [`No dead letter in ${keptIn}.`]
  const table = plainTable(['dead letters of', 'code', 'count'])
  for (const kind of kinds) table.push([kind.source ?? '(not decoded)', kind.code, String(kind.count)])
  return [table.toString()]
}

/** A table without colours, as wide as what is in it. */
export const plainTable = (head: readonly string[]) => new Table({ head: [...head], style: { head: [], border: [] } })

const age = (ms: number): string => prettyMs(ms, { compact: ms >= 60_000, secondsDecimalDigits: 0 })
