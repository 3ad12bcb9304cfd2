import type { EncodedRows } from './rows.ts'
import { bytesOf, fieldsOf, integerOf, lengthField, numberField, stringField, textOf } from './wire.ts'

/**
 * The methods of proto/gpss.proto that the relay calls, and their messages. Written by hand: a client made from the
 * `.proto` is not typed, costs more per row, and has a method `close` that hides the one that closes the channel.
 */
export interface Method<Request, Response> {
  readonly name: string
  readonly path: string
  readonly encode: (request: Request) => Buffer
  readonly decode: (bytes: Buffer) => Response
}

export interface ConnectRequest {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  readonly sessionTimeoutSeconds: number
}

/** An Insert load without error limits: the first row that is refused fails it. */
export interface OpenRequest {
  readonly session: string
  readonly schema: string
  readonly table: string
  /** The values of each row come in this order. */
  readonly columns: readonly string[]
  /** Empty for none. */
  readonly preSql: string
  readonly postSql: string
  /** Where GPSS makes its external tables; empty: in the schema of the target. */
  readonly stagingSchema: string
}

export interface WriteRequest {
  readonly session: string
  readonly rows: EncodedRows['parts'][number]
}

export interface CloseRequest {
  readonly session: string
  /** How many messages of refused rows may come back. Old servers send none. */
  readonly maxErrorRows: number
}

export interface TransferStats {
  readonly successCount: number
  readonly errorCount: number
  readonly errorRows: readonly string[]
}

export interface DescribeTableRequest {
  readonly session: string
  readonly schema: string
  readonly table: string
}

/** What the server says, unchecked: see `columnOf`. */
export interface ColumnInfo {
  readonly name: string
  readonly databaseType: string
  readonly length: number | null
  readonly precisionScale: readonly [number, number] | null
  readonly nullable: boolean | null
}

export const METHODS = {
  connect: {
    name: 'Connect',
    path: '/api.Gpss/Connect',
    encode: ({ host, port, user, password, database, sessionTimeoutSeconds }) =>
      Buffer.concat([
        stringField(1, host),
        numberField(2, port),
        stringField(3, user),
        stringField(4, password),
        stringField(5, database),
        numberField(7, sessionTimeoutSeconds),
      ]),
    decode: sessionId,
  } satisfies Method<ConnectRequest, string>,

  disconnect: {
    name: 'Disconnect',
    path: '/api.Gpss/Disconnect',
    encode: (session) => stringField(1, session),
    decode: () => undefined,
  } satisfies Method<string, undefined>,

  open: {
    name: 'Open',
    path: '/api.Gpss/Open',
    encode: ({ session, schema, table, columns, preSql, postSql, stagingSchema }) =>
      Buffer.concat([
        sessionField(session),
        stringField(2, schema),
        stringField(3, table),
        stringField(4, preSql),
        stringField(5, postSql),
        stringField(8, stagingSchema),
        lengthField(100, Buffer.concat(columns.map((column) => lengthField(1, column)))),
      ]),
    decode: () => undefined,
  } satisfies Method<OpenRequest, undefined>,

  write: {
    name: 'Write',
    path: '/api.Gpss/Write',
    encode: ({ session, rows }) => Buffer.concat([sessionField(session), rows]),
    decode: () => undefined,
  } satisfies Method<WriteRequest, undefined>,

  close: {
    name: 'Close',
    path: '/api.Gpss/Close',
    encode: ({ session, maxErrorRows }) => Buffer.concat([sessionField(session), numberField(2, maxErrorRows)]),
    decode: transferStats,
  } satisfies Method<CloseRequest, TransferStats>,

  describeTable: {
    name: 'DescribeTable',
    path: '/api.Gpss/DescribeTable',
    encode: ({ session, schema, table }) =>
      Buffer.concat([sessionField(session), stringField(2, schema), stringField(3, table)]),
    decode: columns,
  } satisfies Method<DescribeTableRequest, ColumnInfo[]>,
}

const sessionField = (session: string): Buffer => lengthField(1, stringField(1, session))

function sessionId(bytes: Buffer): string {
  for (const field of fieldsOf(bytes)) if (field.number === 1) return textOf(field)
  return ''
}

function transferStats(bytes: Buffer): TransferStats {
  const stats = { successCount: 0, errorCount: 0, errorRows: [] as string[] }
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) stats.successCount = integerOf(field)
    else if (field.number === 2) stats.errorCount = integerOf(field)
    else if (field.number === 3) stats.errorRows.push(textOf(field))
  }
  return stats
}

function columns(bytes: Buffer): ColumnInfo[] {
  const found: ColumnInfo[] = []
  for (const field of fieldsOf(bytes)) if (field.number === 1) found.push(columnInfo(bytesOf(field)))
  return found
}

function columnInfo(bytes: Buffer): ColumnInfo {
  const fields = new Map(Array.from(fieldsOf(bytes), (field) => [field.number, field]))
  const text = (number: number): string => (fields.has(number) ? textOf(fields.get(number)!) : '')
  const integer = (number: number): number => (fields.has(number) ? integerOf(fields.get(number)!) : 0)
  return {
    name: text(1),
    databaseType: text(2),
    length: integer(3) !== 0 ? integer(4) : null,
    precisionScale: integer(5) !== 0 ? [integer(6), integer(7)] : null,
    nullable: integer(8) !== 0 ? integer(9) !== 0 : null,
  }
}
