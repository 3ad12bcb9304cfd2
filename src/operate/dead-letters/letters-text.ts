import Table from 'cli-table3'
import type { ReplayCounts } from '../../replay.ts'
import type { KeptLetter, LetterStanding } from '../../sinks/letter-store.ts'
import { shownId } from './letter-json.ts'

/** What the other columns take, as a rule; and what a reason has at least. */
const BESIDE_REASON = 100
const LEAST_REASON = 30

/** For people, on a terminal: a row for each letter, without any value of its row. */
export function lettersText(
  letters: readonly KeptLetter[],
  standings: ReadonlyMap<string, LetterStanding>,
  columns: number,
): string {
  if (letters.length === 0) return 'No dead letters.\n'
  const table = new Table({
    head: ['id', 'recorded', 'table', 'code', 'standing', 'tried', 'reason'],
    style: { head: [], border: [] },
    colWidths: [null, null, null, null, null, null, Math.max(LEAST_REASON, columns - BESIDE_REASON)],
    wordWrap: true,
  })
  for (const letter of letters) {
    const { id, recordedAt, code, attempts, detail } = letter
    table.push([
      shownId(id),
      recordedAt?.slice(0, 19).replace('T', ' ') ?? '',
      letter.table ?? '(not decoded)',
      code,
      standings.get(id) ?? 'not known',
      String(attempts),
      detail,
    ])
  }
  return `${table.toString()}\n`
}

export function replayText({ read, applied, superseded, skipped, failed, gone }: ReplayCounts): string {
  const parts = [
    `${applied} applied`,
    `${superseded} superseded by something newer`,
    `${skipped} skipped`,
    `${failed} failed again and stay`,
    ...(gone > 0 ? [`${gone} gone meanwhile`] : []),
  ]
  return `${read} dead letters: ${parts.join(', ')}\n`
}
