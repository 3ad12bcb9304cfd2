import { type Change, type ImageTokens, type Row, type TableName, tableLabel } from '../../change.ts'
import type { Log } from '../../observe/log.ts'

/** The default of DMS's rule `add-before-image-columns`. */
const DEFAULT_PREFIX = 'BI_'

/**
 * Warns, once for each table, of before images that are there and not read: then a change of key looks like an update of the new
 * row, and the old one stays.
 */
export class UnreadBeforeImages {
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /** True if this change has one, which is then said. */
  look({ op, table, after, before, unreadImage }: Change): boolean {
    if (unreadImage !== undefined) this.#sayField(table, unreadImage)
    else {
      const column = op === 'update' && before === null && after !== null ? columnWithOldOne(after) : undefined
      if (column === undefined) return false
      this.#sayPrefix(table, column)
    }
    return true
  }

  #sayField(name: TableName, member: string): void {
    const table = tableLabel(name)
    const fix = `If it holds before images, set \`--before-image-field\` to that name`
    this.#log.warn(
      { code: 'OLD_VALUES_UNREAD', table, member },
      `A change has an object beside its data that is not read. ${fix}; ${OLD_ROWS}`,
    )
  }

  #sayPrefix(name: TableName, column: string): void {
    const fix = `If a rule add-before-image-columns makes them, set \`--before-image-prefix ${DEFAULT_PREFIX}\``
    this.#log.warn(
      { code: 'OLD_VALUES_UNREAD', table: tableLabel(name), column: DEFAULT_PREFIX + column },
      `Rows have columns of old values that are not read as such. ${fix}; ${OLD_ROWS}`,
    )
  }
}

const OLD_ROWS = 'else a row stays under its old key when its key changes'

/** True if the columns have names like those of old values. */
export function mayHoldOldOnes({ names }: ImageTokens): boolean {
  let may = LIKE_OLD_ONES.get(names)
  if (may === undefined) {
    may = names.some((name) => name.startsWith(DEFAULT_PREFIX))
    LIKE_OLD_ONES.set(names, may)
  }
  return may
}

/** By the names of an image. */
const LIKE_OLD_ONES = new WeakMap<readonly string[], boolean>()

/** A column beside which there is one of the same name behind the prefix. */
function columnWithOldOne(row: Row): string | undefined {
  for (const name in row) {
    if (!name.startsWith(DEFAULT_PREFIX)) continue
    const column = name.slice(DEFAULT_PREFIX.length)
    if (column in row) return column
  }
  return undefined
}
