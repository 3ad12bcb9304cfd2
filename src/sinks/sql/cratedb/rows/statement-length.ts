import { RelayError } from '../../../../errors.ts'
import type { WrittenTable } from './written-table.ts'

/** `statement_max_length` of a node, unless somebody raised it. https://cratedb.com/docs/crate/reference/en/latest/config/node.html */
const MOST_CHARACTERS = 262_144
/** What the upsert has for each column beside its name, which stands there five times, in quotes. */
const CHARACTERS_OF_A_COLUMN = 140

/** @throws RelayError SINK_TABLE if the table has so many columns of such names that CrateDB would refuse the statement */
export function refuseTooWide({ target, columns }: WrittenTable): void {
  const length = columns.reduce((sum, { name }) => sum + 5 * (name.length + 2) + CHARACTERS_OF_A_COLUMN, 2_000)
  if (length <= MOST_CHARACTERS) return
  const detail = `The ${columns.length} columns have such long names that a statement over all of them is longer than CrateDB takes (statement_max_length): use --layout document`
  throw new RelayError('SINK_TABLE', detail, { table: target.source })
}
