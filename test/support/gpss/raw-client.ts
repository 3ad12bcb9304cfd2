import { ChannelCredentials, Client, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import type { Method } from './audit.ts'
import type { Message, Of } from './wire.ts'
import {
  CloseRequest,
  Columns,
  ConnectRequest,
  type DBValue,
  DescribeTableRequest,
  Empty,
  InsertOption,
  ListSchemaRequest,
  ListTableRequest,
  MergeOption,
  OpenRequest,
  Row,
  Schemas,
  Session,
  Tables,
  TransferStats,
  UpdateOption,
  WriteRequest,
} from './wire-messages.ts'

/** What a call ended with, other than OK. */
export interface Refusal {
  readonly code: string
  readonly message: string
}

/** A value of a row, in the DBValue member that fits it; null is NullValue, undefined a DBValue without any. */
export type Plain = string | number | bigint | Uint8Array | Date | null | undefined

type Option = Partial<Of<typeof InsertOption> & Of<typeof UpdateOption> & Of<typeof MergeOption>>

/** The service's methods for tests of the server: no more than the bytes and a channel. Failures are `Refusal`s. */
export interface RawClient {
  call(method: Method | 'Nothing', request: Uint8Array, deadlineMs?: number): Promise<Buffer>
  connect(login: Partial<ConnectRequest>): Promise<string>
  disconnect(session: string): Promise<void>
  open(
    session: string,
    mode: 'Insert' | 'Update' | 'Merge',
    table: string,
    option: Option,
    request?: Partial<OpenRequest>,
  ): Promise<void>
  write(session: string, ...rows: readonly (readonly Plain[])[]): Promise<void>
  close(session: string, request?: Partial<CloseRequest>): Promise<TransferStats>
  listSchemas(session: string): Promise<Of<typeof Schemas>['Schemas']>
  listTables(session: string, schema: string): Promise<Of<typeof Tables>['Tables']>
  describe(session: string, schema: string, table: string): Promise<Of<typeof Columns>['Columns']>
  /** Connects again if need be: behind a server that was away a channel waits a little before it tries again. */
  ready(): Promise<void>
  end(): void
}

export function rawClient(address: string, credentials = ChannelCredentials.createInsecure()): RawClient {
  const channel = new Client(address, credentials, {
    'grpc.max_receive_message_length': -1,
    'grpc.initial_reconnect_backoff_ms': 20,
    'grpc.max_reconnect_backoff_ms': 50,
  })

  const call: RawClient['call'] = (method, request, deadlineMs = 10_000) =>
    new Promise((resolve, reject) => {
      const asItIs = (bytes: Buffer) => bytes
      const options = { deadline: Date.now() + deadlineMs }
      const done = (error: ServiceError | null, answer?: Buffer) =>
        error === null ? resolve(answer!) : reject({ code: status[error.code], message: error.details })
      channel.makeUnaryRequest(
        `/api.Gpss/${method}`,
        asItIs,
        asItIs,
        Buffer.from(request),
        new Metadata(),
        options,
        done,
      )
    })
  const ask = async <T>(method: Method, request: Buffer, answer: Message<T>) =>
    answer.decode(await call(method, request))

  return {
    call,
    connect: async (login) => (await ask('Connect', ConnectRequest.encode(login), Session)).ID,
    disconnect: async (ID) => void (await ask('Disconnect', Session.encode({ ID }), Empty)),
    async open(ID, mode, table, option, request = {}) {
      const [SchemaName, TableName] = table.split('.') as [string, string]
      const Option = optionOf(mode, option)
      await ask('Open', OpenRequest.encode({ Session: { ID }, SchemaName, TableName, Option, ...request }), Empty)
    },
    write: async (ID, ...rows) => void (await ask('Write', writeRequest(ID, rows), Empty)),
    close: (ID, request = {}) => ask('Close', CloseRequest.encode({ session: { ID }, ...request }), TransferStats),
    listSchemas: async (ID) =>
      (await ask('ListSchema', ListSchemaRequest.encode({ Session: { ID } }), Schemas)).Schemas,
    listTables: async (ID, Schema) =>
      (await ask('ListTable', ListTableRequest.encode({ Session: { ID }, Schema }), Tables)).Tables,
    describe: async (ID, SchemaName, TableName) =>
      (await ask('DescribeTable', DescribeTableRequest.encode({ Session: { ID }, SchemaName, TableName }), Columns))
        .Columns,
    ready: () =>
      new Promise((resolve, reject) =>
        channel.waitForReady(Date.now() + 10_000, (error) => (error === undefined ? resolve() : reject(error))),
      ),
    end: () => channel.close(),
  }
}

export function writeRequest(ID: string, rows: readonly (readonly Plain[])[]): Buffer {
  return WriteRequest.encode({ Session: { ID }, Rows: rows.map((row) => ({ Data: rowOf(row) })) })
}

export function rowOf(values: readonly Plain[]): Buffer {
  return Row.encode({ Columns: values.map((value) => ({ DBType: dbValue(value) })) })
}

function optionOf(mode: 'Insert' | 'Update' | 'Merge', option: Option): OpenRequest['Option'] {
  // Fields that a test leaves out have their default.
  const blank = Buffer.alloc(0)
  if (mode === 'Insert') return { case: 'InsertOption', value: { ...InsertOption.decode(blank), ...option } }
  if (mode === 'Update') return { case: 'UpdateOption', value: { ...UpdateOption.decode(blank), ...option } }
  return { case: 'MergeOption', value: { ...MergeOption.decode(blank), ...option } }
}

function dbValue(value: Plain): DBValue | null {
  if (value === undefined) return null
  if (value === null) return { case: 'NullValue', value: 0 }
  if (typeof value === 'string') return { case: 'StringValue', value }
  if (typeof value === 'bigint') return { case: 'Int64Value', value }
  if (typeof value === 'number') {
    return Number.isInteger(value) ? { case: 'Int32Value', value } : { case: 'Float64Value', value }
  }
  if (value instanceof Date) {
    const milliseconds = value.getTime()
    const seconds = BigInt(Math.floor(milliseconds / 1000))
    return { case: 'TimeStampValue', value: { seconds, nanos: (milliseconds - Number(seconds) * 1000) * 1_000_000 } }
  }
  return { case: 'BytesValue', value }
}
