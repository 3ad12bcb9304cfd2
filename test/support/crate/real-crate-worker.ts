import { type MessagePort, workerData } from 'node:worker_threads'
import pg from 'pg'
import type { QueryAnswer, QueryRequest } from './real-crate.ts'

/** Runs statements for a thread that waits for the answer. */
const { port, answered, login } = workerData as { port: MessagePort; answered: Int32Array; login: pg.ClientConfig }

const moment = (text: string): bigint => BigInt(Date.parse(`${text.replace(' ', 'T').replace(/\+00(:00)?$/, '')}Z`))
const parsed = (text: string): unknown =>
  JSON.parse(text, (_, value: unknown, context?: { readonly source: string }) =>
    typeof value === 'number' && /^-?\d+$/.test(context!.source) ? BigInt(context!.source) : value,
  )

/** By the number of the type: integers and moments (ms) are bigint, as the stand-in has them. */
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  20: BigInt,
  21: BigInt,
  23: BigInt,
  114: parsed,
  1114: moment,
  1184: moment,
}

const client = new pg.Client({
  ...login,
  types: { getTypeParser: ((oid: number) => PARSERS[oid] ?? pg.types.getTypeParser(oid)) as never },
})
const connected = client.connect()

async function relationsIn(schemas: readonly string[]): Promise<{ kind: string; id: string }[]> {
  const { rows } = await client.query(
    `SELECT table_type AS kind, table_schema AS schema, table_name AS name FROM information_schema.tables
     WHERE table_schema IN (${schemas.map((schema) => `'${schema}'`).join()}) ORDER BY table_type DESC`,
  )
  return rows.map(({ kind, schema, name }) => ({ kind, id: `"${schema}"."${String(name).replaceAll('"', '""')}"` }))
}

/** Everything is refreshed first: nothing else is asked with an empty text, and `DROP ALL` is all that there is. */
async function answer({ text, schemas }: QueryRequest): Promise<QueryAnswer> {
  try {
    await connected
    const relations = await relationsIn(schemas)
    if (text === 'DROP ALL') {
      for (const { kind, id } of relations) await client.query(`DROP ${kind === 'VIEW' ? 'VIEW' : 'TABLE'} ${id}`)
      await client.end()
      return { rows: [] }
    }
    const tables = relations.filter(({ kind }) => kind !== 'VIEW').map(({ id }) => id)
    if (tables.length > 0) await client.query(`REFRESH TABLE ${tables.join(', ')}`)
    return { rows: text === '' ? [] : (await client.query(text)).rows }
  } catch (error) {
    return { failed: (error as Error).message, code: (error as { code?: string }).code }
  }
}

port.on('message', (request: QueryRequest) => {
  void answer(request).then((found) => {
    port.postMessage(found)
    Atomics.store(answered, 0, 1)
    Atomics.notify(answered, 0)
  })
})
