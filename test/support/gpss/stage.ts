import type { Database } from './database.ts'
import { GpssFailure, pqFailure, SEGMENT_SUFFIX } from './failure.ts'
import { stageRows } from './load-sql.ts'
import { rejectCounter } from './reject-limit.ts'
import type { GpssSettings } from './settings.ts'
import type { Target } from './target.ts'

/** The values of a row as text, by column. */
export type Values = readonly (string | null)[]

/** Where the rows of a load wait for its end, checked for the types of their columns. */
export interface Stage {
  /** How many are in it. */
  readonly rows: number
  /** What is wrong with the rows that are not, in the order of their arrival. */
  readonly errorRows: readonly string[]
  /** All good ones. @throws GpssFailure the error limit is reached, or what is wrong is not a row; then none of them */
  add(values: readonly Values[]): Promise<void>
}

/** Class of SQLSTATE: what is wrong is a value. */
const DATA_EXCEPTION = '22'

interface Numbered {
  /** In the order of arrival, from 1. */
  readonly number: number
  readonly values: Values
}

/** Its table has to be there. */
export function openStage(db: Database, target: Target, settings: GpssSettings): Stage {
  const { segments = 1, rejectPercentThreshold = 300 } = settings
  const suffix = settings.greenplum === undefined ? '' : SEGMENT_SUFFIX
  const rejects = rejectCounter(target.limit, segments, rejectPercentThreshold)
  const errorRows: string[] = []
  let arrived = 0
  let staged = 0

  async function add(values: readonly Values[]): Promise<void> {
    const rows = values.map((values) => ({ values, number: ++arrived }))
    await db.query('SAVEPOINT gpss_write')
    try {
      const bad = await stageGood(rows)
      for (const { number } of rows) {
        const message = bad.get(number)
        if (rejects.count({ bad: message !== undefined })) throw limitReached(message)
      }
      errorRows.push(...rows.flatMap(({ number }) => bad.get(number) ?? []))
      staged += rows.length - bad.size
    } catch (error) {
      await db.query('ROLLBACK TO SAVEPOINT gpss_write')
      throw error
    }
    await db.query('RELEASE SAVEPOINT gpss_write')
  }

  /** Without a limit the first bad row speaks for itself. */
  function limitReached(message: string | undefined): GpssFailure {
    if (target.limit.kind === 'none') return new GpssFailure(message!)
    return pqFailure(`segment reject limit reached, aborting operation${suffix}`)
  }

  /** Stages what can be staged. @returns why not, by the number of the row */
  async function stageGood(rows: readonly Numbered[]): Promise<Map<number, string>> {
    const bad = new Map<number, string>()
    const whole = rows.filter(({ number, values }) => {
      const problem = wrongLength(values, target)
      if (problem !== null) bad.set(number, `pq: ${problem}${suffix}`)
      return problem === null
    })
    await stageHalves(whole, bad)
    return bad
  }

  /** Cuts rows that are refused in two until the bad ones stand alone. */
  async function stageHalves(rows: readonly Numbered[], bad: Map<number, string>): Promise<void> {
    if (rows.length === 0) return
    await db.query('SAVEPOINT gpss_rows')
    const refused = await stageAtOnce(rows).then(
      () => null,
      (error: unknown) => error,
    )
    await db.query(refused === null ? 'RELEASE SAVEPOINT gpss_rows' : 'ROLLBACK TO SAVEPOINT gpss_rows')
    if (refused === null) return
    if (!(refused instanceof GpssFailure) || refused.sqlState?.startsWith(DATA_EXCEPTION) !== true) throw refused
    if (rows.length === 1) {
      bad.set(rows[0]!.number, refused.message)
      return
    }
    const middle = Math.ceil(rows.length / 2)
    await stageHalves(rows.slice(0, middle), bad)
    // One bad row is enough where none is tolerated.
    if (target.limit.kind === 'none' && bad.size > 0) return
    await stageHalves(rows.slice(middle), bad)
  }

  async function stageAtOnce(rows: readonly Numbered[]): Promise<void> {
    const columns = target.columns.map((_, at) => rows.map(({ values }) => values[at]))
    await db.query(stageRows(target), [rows.map(({ number }) => number), ...columns])
  }

  return {
    get rows() {
      return staged
    },
    errorRows,
    add,
  }
}

/** A row with missing or extra values, in the words of COPY. */
function wrongLength(values: Values, { columns }: Target): string | null {
  if (values.length > columns.length) return 'extra data after last expected column'
  return values.length < columns.length ? `missing data for column "${columns[values.length]!.name}"` : null
}
