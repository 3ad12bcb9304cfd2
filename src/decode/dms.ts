import type { Change, ChangeSource, RawRecord, SchemaChange, Skip } from '../change.ts'
import { RelayError } from '../errors.ts'
import { reasonToSkip } from './dms-bookkeeping.ts'
import {
  columnsInExponentForm,
  holdsValues,
  isOld,
  oldValues,
  readBefore,
  readImage,
  unreadImage,
  withoutOldColumns,
} from './dms-image.ts'
import { readTable, readTime, readTransaction, readVersion } from './dms-metadata.ts'
import { readDefinition } from './dms-schema.ts'
import { holdsOddNumber, isJsonObject, parseTokens, tokenType } from './exact-json.ts'
import { isObject, type JsonObject } from './json.ts'
import { versionText } from './version-text.ts'

export interface DmsOptions {
  /** What changes name as their stream. */
  readonly stream: string
  /** `BeforeImageSettings.FieldName` of the task; customarily `before-image`. */
  readonly beforeImageField: string
  /** `column-prefix` of a rule `add-before-image-columns`: columns that begin so are old values. Absent: the task has no such rule. */
  readonly beforeImagePrefix?: string | undefined
}

export type DmsDecoded = Change | SchemaChange | Skip

/** Whether the record says that DMS wrote it. */
export function isDms(json: JsonObject): boolean {
  const { metadata } = json
  return isObject(metadata) && (Object.hasOwn(metadata, 'operation') || Object.hasOwn(metadata, 'record-type'))
}

/**
 * Reads what AWS DMS writes into a Kinesis stream: one change, schema change or skip a record.
 *
 * In: `{ data, metadata }` of a row, with the before image beside them where the task sends it; or `{ control, metadata }`.
 * Out: `load`, `insert`, `update`, `delete` as they are called. `key` is null, for a record does not name its key
 * columns. An update is not `complete`, for what a missing column means only the whole stream tells. The columns of a
 * delete are old values and stand in `before`; its nulls are padding and stand nowhere. In `after` absent, null and
 * empty stay three things.
 *
 * `version` is when DMS made the record. A row of a load counts as 30 s older, so that a change beats the load that read
 * the row before it, and `drop-table` too, so that it stands below the loads that it opens.
 *
 * @param json what `JSON.parse` makes of `text`; its numbers are used only where all of them are exact
 * @throws RelayError DECODE_EVENT, DECODE_TIME, DECODE_VALUE
 * @see AWS DMS User Guide, "Using Amazon Kinesis Data Streams as a target"
 */
export function readDms(json: JsonObject, text: string, record: RawRecord, options: DmsOptions): DmsDecoded {
  const exact = holdsOddNumber(text) ? (parseTokens(text) as JsonObject) : json
  const { metadata } = exact
  if (!isJsonObject(metadata)) throw unusable(`metadata is ${tokenType(metadata)}, not an object`)
  const source = sourceOfDms(record, options.stream)
  const reason = reasonToSkip(metadata)
  if (reason !== null) return { kind: 'skip', reason, source }

  const { operation } = metadata
  switch (operation) {
    case 'load':
    case 'insert':
    case 'update':
    case 'delete':
      requireType(metadata, 'data', operation)
      return readChange(operation, exact, metadata, source, options)
    case 'create-table':
    case 'drop-table':
    case 'rename-table':
    case 'change-columns':
    case 'add-column':
    case 'drop-column':
    case 'rename-column':
    case 'column-type-change':
      requireType(metadata, 'control', operation)
      return readSchemaChange(operation, exact, metadata, source, options)
  }
  const found = typeof operation === 'string' ? JSON.stringify(operation.slice(0, 40)) : tokenType(operation)
  throw unusable(`metadata.operation is ${found}, which this version does not know`)
}

/** The row was read before the record of it was made; changes made in between must beat it. */
const LOAD_IS_OLDER_US = 30_000_000

/** @param microseconds when DMS made the record */
export const versionOf = (op: Change['op'] | SchemaChange['op'], microseconds: number): string =>
  versionText(op === 'load' || op === 'drop-table' ? microseconds - LOAD_IS_OLDER_US : microseconds)

function readChange(
  op: Change['op'],
  json: JsonObject,
  metadata: JsonObject,
  source: ChangeSource,
  { beforeImageField, beforeImagePrefix }: DmsOptions,
): Change {
  const { data, old } = withoutOldColumns(readImage(json.data, 'data'), beforeImagePrefix)
  // The operator chooses the name, and no name may find what every object inherits.
  const oldImage = Object.hasOwn(json, beforeImageField) ? json[beforeImageField] : undefined
  const image = readBefore(oldImage, beforeImageField)
  const isNew = op === 'insert' || op === 'load'
  if (image !== null && isNew && holdsValues(image)) {
    throw unusable(`The ${op} has old values in ${beforeImageField}, and no row was there before it`)
  }
  const before = isNew ? null : (image ?? old)
  const transaction = readTransaction(metadata)
  const version = readVersion(metadata)

  const change: Writable<Change> = {
    kind: 'change',
    op,
    table: readTable(metadata),
    key: null,
    before: op === 'delete' ? oldValues(data, before) : before,
    after: op === 'delete' ? null : data,
    complete: op !== 'update',
    version: versionOf(op, version),
    time: readTime(metadata, transaction),
    source,
  }
  if (transaction !== null) change.transaction = transaction
  if (before === null && !isNew) {
    const unread = unreadImage(json, data, [beforeImageField, 'data', 'metadata', 'control'])
    if (unread !== undefined) change.unreadImage = unread
  }
  const inExponentForm = [
    ...columnsInExponentForm(json.data).map((column) =>
      isOld(column, beforeImagePrefix) ? column.slice(beforeImagePrefix.length) : column,
    ),
    ...columnsInExponentForm(oldImage),
  ]
  if (inExponentForm.length > 0) change.inExponentForm = inExponentForm
  return change
}

function readSchemaChange(
  op: SchemaChange['op'],
  json: JsonObject,
  metadata: JsonObject,
  source: ChangeSource,
  { beforeImagePrefix }: DmsOptions,
): SchemaChange {
  const version = readVersion(metadata)
  const { columns, ...definition } = readDefinition(op, json.control)
  return {
    kind: 'schema',
    op,
    table: readTable(metadata),
    ...(columns && { columns: columns.filter(({ name }) => !isOld(name, beforeImagePrefix)) }),
    ...definition,
    version: versionOf(op, version),
    source,
  }
}

function requireType(metadata: JsonObject, type: 'data' | 'control', operation: string): void {
  const found = metadata['record-type']
  if (found === type) return
  const shown = typeof found === 'string' ? JSON.stringify(found.slice(0, 40)) : tokenType(found)
  throw unusable(`metadata.record-type is ${shown}, but ${operation} is an operation of "${type}" records`)
}

export function sourceOfDms(record: RawRecord, stream: string): ChangeSource {
  const { shard, sequence } = record.origin ?? record
  return record.subSequence === undefined
    ? { format: 'dms', stream, shard, sequence }
    : { format: 'dms', stream, shard, sequence, subSequence: record.subSequence }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

const unusable = (what: string): RelayError => new RelayError('DECODE_EVENT', what)
