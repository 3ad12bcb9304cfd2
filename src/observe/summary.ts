import prettyMs from 'pretty-ms'
import type { SetAsideColumns } from '../batch.ts'
import type { Ledger } from './ledger.ts'

/** The counts of a run, as one JSON object: what scripts read. */
export function summaryOf(ledger: Ledger, elapsedMs: number): Record<string, unknown> {
  return {
    ...ledger.counts(),
    textReplaced: ledger.replacedTexts,
    batches: ledger.batches,
    elapsedMs: Math.round(elapsedMs),
    valuesSetAside: ledger.valuesSetAside(),
    skips: Object.fromEntries(ledger.skips),
    tables: Object.fromEntries(ledger.tables),
    ...(ledger.parkedTables.size === 0 ? {} : { parked: Object.fromEntries(ledger.parkedTables) }),
    ...(ledger.asObjects.size === 0 ? {} : { readAsObjects: Object.fromEntries(ledger.asObjects) }),
    ...(ledger.setAside.size === 0 ? {} : { setAside: setAsideOf(ledger) }),
  }
}

/** Source table → column → values that lie in `cdc_extra`. */
const setAsideOf = ({ setAside }: Ledger): Record<string, Record<string, number>> =>
  Object.fromEntries(
    Array.from(setAside, ([table, columns]) => [
      table,
      Object.fromEntries(Array.from(columns, ([column, { count }]) => [column, count])),
    ]),
  )

/** The same for people. */
export function summaryText(ledger: Ledger, elapsedMs: number): string {
  const { read, applied, superseded, skipped, deadLettered } = ledger.counts()
  const rate = elapsedMs > 0 ? `, ${number((read * 1000) / elapsedMs)}/s` : ''
  const lines = [
    `${number(read)} changes read and committed in ${prettyMs(elapsedMs)}${rate}`,
    ...row('applied', applied),
    ...row('superseded', superseded, 'the target, or the same batch, held something newer'),
    ...[...ledger.skips].flatMap(([reason, count]) => row('skipped', count, reason)),
    ...(skipped === 0 ? row('skipped', 0) : []),
    ...row('dead-lettered', deadLettered),
  ]
  if (ledger.replacedTexts > 0) lines.push(`  in ${number(ledger.replacedTexts)} of them U+0000 was replaced by U+FFFD`)
  if (ledger.asObjects.size > 0) lines.push(`  read as objects, at more cost: ${reasonsOf(ledger.asObjects)}`)
  const aside = ledger.valuesSetAside()
  if (aside > 0) lines.push(`  ${number(aside)} values that their columns cannot hold lie in cdc_extra`)
  for (const [table, columns] of ledger.setAside) lines.push(...asideLines(table, columns))
  for (const [table, counts] of ledger.tables) {
    lines.push(`  ${table}: ${number(counts.applied)} applied, ${number(counts.superseded)} superseded`)
  }
  for (const [table, count] of ledger.parkedTables)
    lines.push(`  PARKED ${table}: ${number(count)} changes are kept as dead letters`)
  return lines.join('\n')
}

const reasonsOf = (counts: ReadonlyMap<string, number>): string =>
  Array.from(counts, ([reason, count]) => `${number(count)} ${reason}`).join(', ')

/** The columns with the most values first. */
function asideLines(table: string, columns: SetAsideColumns): string[] {
  const byCount = [...columns].toSorted(([, a], [, b]) => b.count - a.count)
  const shown = byCount.slice(0, MOST_COLUMNS).map(([column, { count, type }]) => {
    return `    ${table}: ${number(count)} of column ${JSON.stringify(column)}${type === null ? '' : `, ${type}`}`
  })
  const more = byCount.length - shown.length
  return more === 0 ? shown : [...shown, `    ${table}: and of ${number(more)} other columns`]
}

/** So many of a table are named. */
const MOST_COLUMNS = 20

const row = (name: string, count: number, remark = ''): string[] => [
  `  ${name.padEnd(14)}${number(count).padStart(14)}${remark === '' ? '' : `  ${remark}`}`,
]

const number = (value: number): string => Math.round(value).toLocaleString('en-US')
