/**
 * The messages of the service `api.Gpss`: names, numbers and types as the vendor's "Service Definition" page and the
 * public clients have them.
 */
import {
  bool,
  bytes,
  double,
  float,
  inner,
  int32,
  int64,
  many,
  message,
  nested,
  type Of,
  one,
  oneOf,
  string,
} from './wire.ts'

/** google.protobuf.Empty */
export const Empty = message({})

/** google.protobuf.Timestamp: seconds and nanoseconds since 1970. */
export const Timestamp = message({ seconds: one(1, int64), nanos: one(2, int32) })

const LOGIN = {
  Host: one(1, string),
  Port: one(2, int32),
  Username: one(3, string),
  Password: one(4, string),
  DB: one(5, string),
  UseSSL: one(6, bool),
}

/** What servers before 1.10 know of it. */
export const ConnectRequestBefore110 = message(LOGIN)
export const ConnectRequest = message({ ...LOGIN, SessionTimeout: one(7, int32) })

export const Session = message({ ID: one(1, string) })

/** There is no number 3. */
export const InsertOption = message({
  InsertColumns: many(1, string),
  TruncateTable: one(2, bool),
  ErrorLimitCount: one(4, int64),
  ErrorLimitPercentage: one(5, int32),
})

export const UpdateOption = message({
  MatchColumns: many(1, string),
  UpdateColumns: many(2, string),
  Condition: one(3, string),
  ErrorLimitCount: one(4, int64),
  ErrorLimitPercentage: one(5, int32),
})

export const MergeOption = message({
  InsertColumns: many(1, string),
  MatchColumns: many(2, string),
  UpdateColumns: many(3, string),
  Condition: one(4, string),
  ErrorLimitCount: one(5, int64),
  ErrorLimitPercentage: one(6, int32),
})

export const OpenRequest = message({
  Session: inner(1, Session),
  SchemaName: one(2, string),
  TableName: one(3, string),
  PreSQL: one(4, string),
  PostSQL: one(5, string),
  Timeout: one(6, int32),
  Encoding: one(7, string),
  StagingSchema: one(8, string),
  // Raw formats (avro to proto): read only so that they can be refused.
  Formats: oneOf({
    avro: [9, bytes],
    binary: [10, bytes],
    csv: [11, bytes],
    delimited: [12, bytes],
    json: [13, bytes],
    custom: [14, bytes],
    proto: [15, string],
  }),
  Option: oneOf({
    InsertOption: [100, nested(InsertOption)],
    UpdateOption: [101, nested(UpdateOption)],
    MergeOption: [102, nested(MergeOption)],
  }),
})

/** Numbers 3, 4 and 9 were never used: there is neither a boolean nor a decimal. */
export const DBValue = message({
  DBType: oneOf({
    Int32Value: [1, int32],
    Int64Value: [2, int64],
    Float32Value: [5, float],
    Float64Value: [6, double],
    StringValue: [7, string],
    BytesValue: [8, bytes],
    TimeStampValue: [10, nested(Timestamp)],
    NullValue: [11, int32],
    OtherValue: [12, string],
  }),
})

export const Row = message({ Columns: many(1, nested(DBValue)) })

/** `Data` is one encoded Row: bytes inside of a message, not a message inside of a message. */
export const RowData = message({ Data: one(1, bytes) })

export const WriteRequest = message({ Session: inner(1, Session), Rows: many(2, nested(RowData)) })

/** What old servers know of it. */
export const CloseRequestBefore110 = message({ session: inner(1, Session) })
export const CloseRequest = message({
  session: inner(1, Session),
  MaxErrorRows: one(2, int32),
  Abort: one(3, bool),
})

export const TransferStats = message({
  SuccessCount: one(1, int64),
  ErrorCount: one(2, int64),
  ErrorRows: many(3, string),
})

export const ListSchemaRequest = message({ Session: inner(1, Session) })
const Schema = message({ Name: one(1, string), Owner: one(2, string) })
export const Schemas = message({ Schemas: many(1, nested(Schema)) })

/** `Schema` is a string here. */
export const ListTableRequest = message({ Session: inner(1, Session), Schema: one(2, string) })
/** The enum RelationType. */
export const RELATION_TYPES = { Table: 0, View: 1, Index: 2, Sequence: 3, Special: 4, Other: 255 } as const
export const TableInfo = message({ Name: one(1, string), Type: one(2, int32) })
export const Tables = message({ Tables: many(1, nested(TableInfo)) })

export const DescribeTableRequest = message({
  Session: inner(1, Session),
  SchemaName: one(2, string),
  TableName: one(3, string),
})
export const ColumnInfo = message({
  Name: one(1, string),
  DatabaseType: one(2, string),
  HasLength: one(3, bool),
  Length: one(4, int64),
  HasPrecisionScale: one(5, bool),
  Precision: one(6, int64),
  Scale: one(7, int64),
  HasNullable: one(8, bool),
  Nullable: one(9, bool),
})
export const Columns = message({ Columns: many(1, nested(ColumnInfo)) })

export type ConnectRequest = Of<typeof ConnectRequest>
export type OpenRequest = Of<typeof OpenRequest>
export type CloseRequest = Of<typeof CloseRequest>
export type DBValue = NonNullable<Of<typeof DBValue>['DBType']>
export type TransferStats = Of<typeof TransferStats>
