/** Records as DMS and DynamoDB put them into a stream, one JSON line each. */

export interface FeedTable {
  /** Announces the table; `key` may be empty. */
  create(columns: Readonly<Record<string, string>>, key: readonly string[]): string
  drop(): string
  load(data: object): string
  insert(data: object, more?: object): string
  update(data: object, more?: object): string
  remove(data: object, more?: object): string
}

/** A table of a DMS task. Each record is a second younger than the one before. */
export function dmsTable(schema: string, name: string): FeedTable {
  const metadata = (recordType: 'control' | 'data', operation: string) => ({
    timestamp: new Date(nextMs()).toISOString().replace('Z', '000Z'),
    'record-type': recordType,
    operation,
    'partition-key-type': recordType === 'control' ? 'task-id' : 'schema-table',
    ...(recordType === 'control' ? { 'partition-key-value': 'TASK' } : {}),
    'schema-name': schema,
    'table-name': name,
  })
  const data =
    (operation: string) =>
    (data: object, more: object = {}) =>
      JSON.stringify({ data, ...more, metadata: metadata('data', operation) })
  return {
    create(columns, key) {
      const types = Object.entries(columns).map(([column, type]) => [column, { type, nullable: !key.includes(column) }])
      const tableDef = { columns: Object.fromEntries(types), ...(key.length > 0 ? { 'primary-key': key } : {}) }
      return JSON.stringify({ control: { 'table-def': tableDef }, metadata: metadata('control', 'create-table') })
    },
    drop() {
      // A gap before the reload: a change of the last 30 seconds would count as newer than the new rows.
      clockMs += 60_000
      return JSON.stringify({ metadata: metadata('control', 'drop-table') })
    },
    load: data('load'),
    insert: data('insert'),
    update: data('update'),
    remove: data('delete'),
  }
}

/** An item that a DynamoDB table gets. Values are typed as DynamoDB types them. */
export function dynamodbInsert(table: string, keys: object, attributes: object = {}): string {
  const microseconds = nextMs() * 1000
  return JSON.stringify({
    awsRegion: 'eu-central-1',
    eventID: `e${microseconds}`,
    eventName: 'INSERT',
    userIdentity: null,
    recordFormat: 'application/json',
    tableName: table,
    dynamodb: {
      ApproximateCreationDateTime: microseconds,
      Keys: keys,
      NewImage: { ...keys, ...attributes },
      SizeBytes: 99,
      ApproximateCreationDateTimePrecision: 'MICROSECOND',
    },
    eventSource: 'aws:dynamodb',
  })
}

let clockMs = Date.UTC(2026, 0, 1, 20, 40)
function nextMs(): number {
  clockMs += 1000
  return clockMs
}
