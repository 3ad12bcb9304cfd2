import type { PostgresPoolClient } from 'kysely'
import pg from 'pg'

/**
 * A client that takes `COPY … FROM STDIN` like any other statement: its data, in the text format, is the one parameter.
 * So it goes where statements go, into the transaction that is open.
 */
export function copyingClient(client: pg.PoolClient): PostgresPoolClient {
  const query = (text: string, values: readonly unknown[]): Promise<unknown> => {
    const copy = COPY.exec(text)
    return copy === null ? client.query(text, [...values]) : copyIn(client, copy[1]!, String(values[0]))
  }
  return { query: query as PostgresPoolClient['query'], release: (destroy) => client.release(destroy) }
}

/** A value as COPY reads it in its text format: https://www.postgresql.org/docs/current/sql-copy.html */
export const copyField = (value: string | null): string =>
  value === null ? '\\N' : value.replaceAll(/[\\\t\n\r]/g, (char) => ESCAPES[char]!)

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

/** `COPY t (a, b) FROM STDIN $1`, where the parameter is no part of the statement. */
const COPY = /^\s*(COPY .* FROM STDIN) \$1$/s

function copyIn(client: pg.PoolClient, statement: string, data: string): Promise<pg.QueryResult> {
  return new Promise((resolve, reject) => {
    client.query(new CopyIn(statement, data, (error, result) => (error ? reject(error) : resolve(result))))
  })
}

/** What node-postgres has and its types leave out. */
interface CopyingConnection {
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

class CopyIn extends pg.Query {
  readonly #data: string

  constructor(statement: string, data: string, done: (error: Error | undefined, result: pg.QueryResult) => void) {
    super(statement, done)
    this.#data = data
  }

  /** The server waits for the data. */
  handleCopyInResponse(connection: CopyingConnection): void {
    connection.sendCopyFromChunk(Buffer.from(this.#data))
    connection.endCopyFrom()
  }
}
