import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCheck } from '../../src/check/check.ts'
import { newCheckName, openContext } from '../../src/check/context.ts'
import { ownSchema } from '../../src/check/place.ts'
import { POSTGRESQL_SESSIONS } from '../../src/check/postgresql-sessions.ts'
import { recognise } from '../../src/check/server.ts'
import { type Reached, reach } from '../../src/check/sessions.ts'
import type { Wire } from '../../src/check/wire.ts'
import { testDatabase } from '../support/postgres/postgres.ts'

const LOGIN = { passwordFile: null, env: {} }

test('sessions of the server itself are as expected; behind a pooler in transaction mode, what lives in a session is not', async (t) => {
  const database = await testDatabase(t)
  const direct = await reach(database.url, LOGIN)
  assert.deepEqual(await differing(direct), [])
  assert.deepEqual(await differing(pooled(direct)), ['P-06', 'P-13', 'P-14'])

  async function differing(reached: Reached): Promise<string[]> {
    const name = newCheckName()
    await database.query(`CREATE SCHEMA ${name}`)
    await database.query(`CREATE TABLE ${name}.a (k bigint PRIMARY KEY)`)
    const context = openContext(
      reached,
      await recognise(await direct.open()),
      name,
      ownSchema(name),
      new AbortController().signal,
    )
    const found: string[] = []
    for (const check of POSTGRESQL_SESSIONS) {
      const { id, verdict } = await runCheck(check, context)
      if (verdict !== 'as expected') found.push(id)
    }
    await context.close()
    return found
  }
})

/** A backend is lent to a client for one transaction, the one that was returned last first: as PgBouncer does. */
function pooled(server: Reached): Reached {
  const idle: Wire[] = []
  return {
    url: server.url,
    login: LOGIN,
    schema: server.schema,
    close: server.close,
    async open() {
      let lent: Wire | undefined
      return {
        parameters: new Map(),
        isOpen: () => true,
        async exchange(bytes, copied) {
          lent ??= idle.pop() ?? (await server.open())
          const messages = await lent.exchange(bytes, copied)
          const { status } = messages.at(-1) as { status?: string }
          if (status === 'I') idle.push(lent)
          if (status === 'I') lent = undefined
          return messages
        },
        close: async () => lent?.close(),
      }
    },
  }
}
