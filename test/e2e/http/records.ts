/** A record of DynamoDB; the value of its row is `secret-n`. */
export function record(tableName: string, id: string, n: number): string {
  const Keys = { id: { S: id } }
  const dynamodb = {
    Keys,
    NewImage: { ...Keys, n: { N: `${n}` }, word: { S: `secret-${n}` } },
    ApproximateCreationDateTime: 1754300000000000 + n,
    ApproximateCreationDateTimePrecision: 'MICROSECOND',
  }
  return JSON.stringify({ eventID: `${n}`, eventSource: 'aws:dynamodb', eventName: 'MODIFY', tableName, dynamodb })
}

/** `orders`, which refuses the number 13. */
export const ORDERS = `CREATE TABLE orders (id text COLLATE "C" PRIMARY KEY, data jsonb, cdc_version bigint,
  CONSTRAINT no_13 CHECK ((data->>'n')::int <> 13))`
