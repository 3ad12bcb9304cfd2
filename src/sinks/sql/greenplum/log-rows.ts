import { sql } from 'kysely'
import { type Change, toJson } from '../../../change.ts'
import { tableId } from '../../tables/clauses.ts'
import { LOG_COLUMNS, type LogRows } from '../postgresql/append.ts'
import { copyField } from '../postgresql/copy-in.ts'

/** By COPY: a parameter is taken apart on the coordinator, which is most of the time that a batch takes there. */
export const BY_COPY: LogRows = {
  encode: line,
  async insert(trx, table, rows) {
    const data = rows.map((row) => `${row}\n`).join('')
    await sql`COPY ${tableId(table)} (${LOG_COLUMNS}) FROM STDIN ${data}`.execute(trx)
    return rows.length
  },
}

/** The columns of `LOG_COLUMNS`. */
function line({
  op,
  table,
  key,
  before,
  after,
  complete,
  version,
  time,
  expired,
  transaction,
  source,
}: Change): string {
  const json = (value: Parameters<typeof toJson>[0] | undefined): string | null =>
    value == null ? null : toJson(value)
  const fields = [
    op,
    table.schema,
    table.name,
    json(key),
    json(before),
    json(after),
    `${complete}`,
    version,
    time,
    expired === undefined ? null : `${expired}`,
    transaction === undefined ? null : JSON.stringify(transaction),
    source.format,
    source.stream,
    source.shard,
    source.sequence,
    source.subSequence === undefined ? null : `${source.subSequence}`,
    source.eventId ?? null,
  ]
  return fields.map(copyField).join('\t')
}
