import prettyMs from 'pretty-ms'
import type { Ledger } from './ledger.ts'

/** The books of a run, as one JSON object: what scripts read. */
export function summaryOf(ledger: Ledger, elapsedMs: number): Record<string, unknown> {
  return {
    ...ledger.counts(),
    textReplaced: ledger.textReplaced,
    batches: ledger.batches,
    elapsedMs: Math.round(elapsedMs),
    skips: Object.fromEntries(ledger.skips),
    tables: Object.fromEntries(ledger.tables),
  }
}

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
  if (ledger.textReplaced > 0) lines.push(`  in ${number(ledger.textReplaced)} of them U+0000 was replaced by U+FFFD`)
  for (const [table, counts] of ledger.tables) {
    lines.push(`  ${table}: ${number(counts.applied)} applied, ${number(counts.superseded)} superseded`)
  }
  return lines.join('\n')
}

const row = (name: string, count: number, remark = ''): string[] => [
  `  ${name.padEnd(14)}${number(count).padStart(14)}${remark === '' ? '' : `  ${remark}`}`,
]

const number = (value: number): string => Math.round(value).toLocaleString('en-US')
