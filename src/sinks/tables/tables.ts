import type { SourceTable } from '../../batch.ts'
import { type Change, type TableName, tableLabel, traitsOf } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { Catalogue, RememberedTable } from './catalogue.ts'
import type { Database } from './database.ts'
import type { Layout, TargetTable } from './layout.ts'
import type { Relation } from './relation.ts'
import type { TargetRules } from './rules.ts'
import type { TargetNames } from './style.ts'
import { TableBuilder, type TableJob } from './table-builder.ts'
import {
  isSameTarget,
  label,
  requireOwnColumns,
  requireOwnTarget,
  type ShowStatement,
  shownKeys,
} from './table-errors.ts'
import type { DesiredKey, DesiredTable, Mapping, Target } from './target.ts'
import { ColumnWidener } from './widen-columns.ts'

export interface TablesOptions<To, R extends Relation> {
  readonly catalogue: Catalogue<R>
  /** How rows lie in their table, by whether the source defines it. */
  readonly layoutOf: (hasDefinition: boolean) => Layout<To, R>
  readonly rules: Pick<TargetRules, 'routes' | 'createTables' | 'onSchemaChange' | 'log'>
  readonly defaultSchema: string
  readonly names: TargetNames
  /** True if a table that is remembered must have the key that it had; absent: the operator may have made it anew with another one. */
  readonly keepsKeys?: boolean
}

/** A source table, and what a batch has for it. */
export interface TableInput {
  /** As `tableLabel` prints it. */
  readonly source: string
  readonly name: TableName
  readonly known: SourceTable | null
  /** What is to be written; may be empty where the table is known. */
  readonly changes: readonly Change[]
}

/**
 * The target tables of one relay: where each source table goes. A target is created or checked at its first change of a run,
 * and again whenever more is known of its source table.
 */
export interface Tables<To = Database> {
  /** Reads what earlier runs remembered. */
  load(name: string): Promise<void>
  /** Undefined until `learn`, and if more is known of the source table since then. */
  find(source: string, known: SourceTable | null): TargetTable<To> | undefined
  /**
   * Creates the table if it is missing, checks it if it is there, adds columns to it. Does nothing while it is unknown what
   * the table needs.
   * If the source table has another key than before, the target must have that key, or be gone: then it is created again.
   * @throws RelayError SINK_TABLE with everything that does not fit, SCHEMA_CHANGE
   */
  learn(input: TableInput): Promise<void>
  /** The columns of the source that make up the primary key of the target as it is; null if there is none. */
  keyColumns(table: TableName): Promise<readonly string[] | null>
  /** What is known may be wrong: learn again. */
  forget(): void
}

export function targetTables<To, R extends Relation>(options: TablesOptions<To, R>): Tables<To> {
  return new LearnedTables(options)
}

class LearnedTables<To, R extends Relation> implements Tables<To> {
  readonly #options: TablesOptions<To, R>
  readonly #builder: TableBuilder<To, R>
  readonly #widener: ColumnWidener<To, R>
  readonly #remembered = new Map<string, RememberedTable>()
  readonly #learned = new Map<string, TargetTable<To>>()

  constructor(options: TablesOptions<To, R>) {
    this.#options = options
    const { catalogue, rules, names } = options
    const show: ShowStatement = (statement) => catalogue.textOf(statement).replace(/\s+/g, ' ')
    this.#builder = new TableBuilder(rules, names, show)
    this.#widener = new ColumnWidener(catalogue, rules, show)
  }

  async load(name: string): Promise<void> {
    const remembered = await this.#options.catalogue.load(name)
    this.#remembered.clear()
    this.#learned.clear()
    for (const table of remembered) this.#remembered.set(table.source, table)
  }

  find(source: string, known: SourceTable | null): TargetTable<To> | undefined {
    const table = this.#learned.get(source)
    return table?.known === known && table.isOutdated?.() !== true ? table : undefined
  }

  async learn(input: TableInput): Promise<void> {
    const target = this.#targetOf(input.name)
    requireOwnTarget(target, this.#remembered.values())
    const before = this.#remembered.get(target.source)
    const layout = this.#options.layoutOf(hasDefinition(input))
    const sure = layout.desired({ ...input, remembered: before?.columns ?? [] })
    if (sure === null) return
    const guesses = await this.#guessedColumns(target, sure)
    const remembered = [...(before?.columns ?? []), ...guesses]
    const desired = guesses.length === 0 ? sure : layout.desired({ ...input, remembered })!
    requireOwnColumns(target, [...desired.keys, ...desired.columns])
    const oldLayout = before === undefined ? null : layoutBefore(before.keys, desired.keys)
    const hasOtherKey = before !== undefined && oldLayout === null && shownKeys(before.keys) !== shownKeys(desired.keys)
    if ((hasOtherKey || oldLayout !== null) && this.#options.keepsKeys === true) {
      throw keptKey(target, before!.keys, desired.keys)
    }

    const oldKeys = hasOtherKey ? before.keys : null
    // Rows of another key cannot come along.
    const isMoved = before !== undefined && !hasOtherKey && before.keys.length > 0 && !isSameTarget(before, target)
    // Where the key or the layout is another one, the operator has let the old table go.
    const job: TableJob<To, R> = {
      target,
      layout,
      desired,
      known: input.known,
      oldKeys,
      oldLayout,
      before: hasOtherKey || oldLayout !== null ? undefined : before,
      movedFrom: isMoved ? before : null,
    }
    const remembering = { ...target, keys: desired.keys, columns: sure.columns.map(mappingOf) }
    let table = await this.#build(job, remembering)
    if (table === null) return
    // A table that an operator made has the columns of the relay's own by now. Where that fails, all of this is done again.
    if (await this.#widener.widen(job)) {
      table = (await this.#build({ ...job, oldKeys: null, oldLayout: null, movedFrom: null }, remembering))!
    }
    this.#learned.set(target.source, table)
    if (oldKeys === null) return
    const [was, is] = [shownKeys(oldKeys), shownKeys(desired.keys)]
    const place = { code: 'KEY_CHANGED', source: target.source, table: label(target), was, is } as const
    this.#options.rules.log.warn(place, 'The table has another key from now on')
  }

  async keyColumns(table: TableName): Promise<readonly string[] | null> {
    const target = this.#targetOf(table)
    const relation = await this.#options.catalogue.look(target.schema, target.name)
    const columns = relation?.uniques?.find(({ primary }) => primary)?.columns
    if (columns === undefined) return null
    const mappings = this.#remembered.get(target.source)?.columns ?? []
    return columns.map((name) => mappings.find(({ column }) => column === name)?.attribute ?? name)
  }

  forget(): void {
    this.#learned.clear()
  }

  async #build(job: TableJob<To, R>, remembering: RememberedTable): Promise<TargetTable<To> | null> {
    const table = await this.#options.catalogue.work(async (work) => {
      const built = await this.#builder.build(work, job)
      if (built !== null) await work.remember(remembering)
      return built
    })
    if (table === null) return null
    this.#remembered.set(remembering.source, remembering)
    return table
  }

  /** The columns that the source seems to have had, without those that an attribute of another name goes to. */
  async #guessedColumns(target: Target, { columns }: DesiredTable): Promise<readonly Mapping[]> {
    const guesses = (await this.#options.catalogue.columnsBefore?.(target)) ?? []
    return guesses.filter((guess) => !columns.some(({ column }) => column === guess.column))
  }

  #targetOf(table: TableName): Target {
    const { rules, names, defaultSchema } = this.#options
    const { schema, name } = rules.routes(table) ?? table
    return { source: tableLabel(table), schema: names.schema(schema ?? defaultSchema), name: names.table(name) }
  }
}

/** The layout that a table had before; null if that is the one that it has now, or if it has no key. Keys of documents say what their values are. */
function layoutBefore(was: readonly DesiredKey[], is: readonly DesiredKey[]): 'columns' | 'document' | null {
  const [before, now] = [was, is].map(([key]) =>
    key === undefined ? null : key.family === null ? 'columns' : 'document',
  )
  return before == null || now == null || before === now ? null : before
}

function keptKey(target: Target, was: DesiredTable['keys'], is: DesiredTable['keys']): RelayError {
  const detail = `The key of table ${label(target)} is ${shownKeys(was)}, and here it would be ${shownKeys(is)}: only the relay itself takes another key for a table`
  return new RelayError('SINK_TABLE', detail, { source: target.source, table: label(target) })
}

const hasDefinition = ({ known, changes: [first] }: TableInput): boolean =>
  known !== null || (first !== undefined && traitsOf(first.source).definesTables)

const mappingOf = ({ attribute, column }: Mapping): Mapping => ({ attribute, column })
