import { sql } from 'kysely'
import type { Catalogue, TableWork } from './catalogue.ts'
import type { Widening } from './layout.ts'
import type { Relation } from './relation.ts'
import type { TargetRules } from './rules.ts'
import type { TableJob } from './table-builder.ts'
import { label, type ShowStatement } from './table-errors.ts'

/**
 * Gives columns the wider types that their source has by now, under `--on-schema-change widen`. Where the target refuses, it says so
 * once, with what an operator can run, and the table goes on with the column that it has: what that cannot hold goes to `cdc_extra`.
 */
export class ColumnWidener<To, R extends Relation> {
  readonly #catalogue: Catalogue<R>
  readonly #rules: Pick<TargetRules, 'createTables' | 'onSchemaChange' | 'log'>
  readonly #show: ShowStatement
  /** What could not be done: it is not tried again for as long as it is the same. */
  readonly #refused = new Set<string>()

  constructor(
    catalogue: Catalogue<R>,
    rules: Pick<TargetRules, 'createTables' | 'onSchemaChange' | 'log'>,
    show: ShowStatement,
  ) {
    this.#catalogue = catalogue
    this.#rules = rules
    this.#show = show
  }

  /** Of a table that is there and fits. Resolves to whether some column is wider now. @throws what passes by itself */
  async widen(job: TableJob<To, R>): Promise<boolean> {
    if (this.#rules.onSchemaChange !== 'widen') return false
    const { target } = job
    const relation = await this.#catalogue.look(target.schema, target.name)
    if (relation === undefined) return false
    // What the values are that want a label is not shown.
    const isSeen = ({ to }: Widening): boolean => this.#catalogue.isPreview !== true || to !== null
    const wanted = wideningsOf(job, relation).filter(
      (column) => isSeen(column) && !this.#refused.has(nameOf(job, column)),
    )
    const why =
      this.#rules.createTables === 'never' ? '--create-tables is never' : 'The target cannot alter their types'
    const mayAlter = this.#rules.createTables === 'auto' && this.#catalogue.refusal !== undefined
    const isAble = ({ statement }: Widening): boolean => mayAlter && statement !== null
    this.#refuse(
      job,
      wanted.filter((column) => !isAble(column)),
      why,
    )
    return await this.#try(job, wanted.filter(isAble))
  }

  /** All of them at once, for each may rewrite the table; where that is refused, one by one. */
  async #try(job: TableJob<To, R>, columns: readonly Widening[]): Promise<boolean> {
    if (columns.length === 0) return false
    try {
      await this.#catalogue.work((work) => this.#alter(work, job, columns))
    } catch (error) {
      const why = this.#catalogue.refusal!(error)
      if (why === null) throw error
      if (columns.length === 1) {
        this.#refuse(job, columns, why)
        return false
      }
      let isSomeWider = false
      for (const column of columns) {
        if (!this.#refused.has(nameOf(job, column)) && (await this.#try(job, [column]))) isSomeWider = true
      }
      return isSomeWider
    }
    this.#rules.log.info({ code: 'COLUMNS_WIDENED', ...placeOf(job, columns) }, 'Widened columns, as the source has')
    return true
  }

  /** Looks again, for another process may have done it meanwhile. */
  async #alter(work: TableWork<R>, job: TableJob<To, R>, columns: readonly Widening[]): Promise<void> {
    const { target, layout, desired, known } = job
    const relation = (await work.look(target.schema, target.name))!
    const wanted = wideningsOf(job, relation).filter((one) => columns.some(({ column }) => column === one.column))
    if (wanted.length === 0) return
    const retyped = wanted.filter((one) => one.to !== null)
    const companion =
      retyped.length === 0 ? null : layout.companion(layout.bind(target, desired, relation, known), relation)
    const there = companion === null ? undefined : await work.look(companion.schema, companion.name)
    const around = there === undefined ? undefined : companion!.widening?.(there, retyped)
    const grants = around === undefined ? [] : ((await work.grantsOn?.(companion!.schema, companion!.name)) ?? [])
    const statements = wanted.map(({ statement }) => statement!)
    await work.run([...(around?.before ?? []), ...statements, ...(around?.behind ?? []), ...grants], {
      target,
      columns: retyped.map(({ column, to }) => ({ name: column, definition: sql.raw(to!) })),
      keys: [],
    })
  }

  #refuse(job: TableJob<To, R>, columns: readonly Widening[], why: string): void {
    if (columns.length === 0) return
    for (const column of columns) this.#refused.add(nameOf(job, column))
    const cures = [...new Set(columns.flatMap(({ cure }) => cure ?? []).map(this.#show))]
    const place = {
      code: 'COLUMNS_NARROW',
      ...placeOf(job, columns),
      ...(cures.length > 0 && { statements: cures }),
    } as const
    this.#rules.log.warn(place, `Columns are narrower than those of the source and stay so. ${why}. ${ASIDE}`)
  }
}

const ASIDE =
  'What they cannot hold goes to cdc_extra until they are altered, or is a dead letter where that has no place'

function wideningsOf<To, R extends Relation>(
  { target, layout, desired, known }: TableJob<To, R>,
  relation: R,
): readonly Widening[] {
  // What does not fit otherwise is said when the table is checked.
  if (layout.widenings === undefined || layout.mismatches(target, desired, relation).length > 0) return []
  return layout.widenings(target, desired, relation, known)
}

/** Each once, for several labels of a column are one change. */
const changesOf = (wanted: readonly Widening[]): string[] => [
  ...new Set(
    wanted.map(({ column, from, to }) => `${column}: ${from} ${to === null ? 'with more labels' : `→ ${to}`}`),
  ),
]

const nameOf = <To, R extends Relation>({ target }: TableJob<To, R>, column: Widening): string =>
  JSON.stringify([target.schema, target.name, changesOf([column])])

const placeOf = <To, R extends Relation>({ target }: TableJob<To, R>, wanted: readonly Widening[]) => ({
  source: target.source,
  table: label(target),
  columns: changesOf(wanted),
})
