import type { Check } from './check.ts'
import { shown, worked } from './context.ts'
import { only } from './postgresql.ts'
import { ask, executePrepared, prepare, type Wire } from './wire.ts'

/** What takes two sessions, and shows a pooler between us and the server. */
export const POSTGRESQL_SESSIONS: readonly Check[] = [
  {
    id: 'P-03',
    what: 'connect with TimeZone=UTC in `options`; SHOW TimeZone',
    expected: 'UTC',
    decides: 'times of a source without zone',
    otherwise: 'A pooler drops what the relay asks for. ALTER ROLE … SET TimeZone TO UTC for the user of the relay.',
    find: async ({ mustRun }) => only(await mustRun('SHOW TimeZone')),
  },
  {
    id: 'P-06',
    what: 'does one connection keep its backend while others are in transactions?',
    expected: 'one backend each',
    decides: "the relay's lock on its name lives in its session",
    otherwise:
      'There is a pooler in transaction mode, which the relay cannot use. Give it the address of the server itself.',
    async find(context) {
      const [one, other] = [await context.another(), await context.another()]
      const before = await backend(one)
      worked(await ask(other, 'BEGIN'))
      const [after, others] = [await backend(one), await backend(other)]
      return before === after && after !== others ? 'one backend each' : 'backends change between statements'
    },
  },
  {
    id: 'P-13',
    what: 'a session takes an advisory lock; another one tries',
    expected: 'kept out, then let in',
    decides: 'two relays of one name: the second waits or stops',
    otherwise:
      'Locks do not hold between statements, as behind a pooler in transaction mode: give the relay the address of the server itself.',
    async find(context) {
      const [one, other] = [await context.another(), await context.another()]
      const key = Number.parseInt(context.name.slice(-8), 16)
      worked(await ask(one, `SELECT pg_advisory_lock(${key})`))
      worked(await ask(other, 'BEGIN'))
      const first = only(worked(await ask(other, `SELECT pg_try_advisory_lock(${key})`)))
      worked(await ask(one, `SELECT pg_advisory_unlock(${key})`))
      const second = only(worked(await ask(other, `SELECT pg_try_advisory_lock(${key})`)))
      return [first, second]
        .map((got, at) => (got === 't' ? 'let in' : `${at === 0 ? '' : 'still '}kept out`))
        .join(', then ')
    },
  },
  {
    id: 'P-14',
    what: 'a prepared statement is there in the next statement, while another connection is in a transaction',
    expected: 'there',
    decides: 'whether statements may be prepared by name',
    otherwise: 'Nothing: the relay gives its statements no names.',
    async find(context) {
      const [one, other] = [await context.another(), await context.another()]
      worked(await prepare(one, 'cdc_relay_check', 'SELECT 1'))
      worked(await ask(other, 'BEGIN'))
      const { errors } = await executePrepared(one, 'cdc_relay_check')
      return errors.length === 0 ? 'there' : `gone (${shown(errors[0]!)})`
    },
  },
  {
    id: 'P-15',
    what: 'a transaction waits for pg_advisory_xact_lock while another one writes; what does it see then?',
    expected: 'the row',
    decides: 'whichever relay writes the table next sees the tombstones',
    otherwise: 'A deleted row could come back when two relays write one table: run one relay for each table.',
    async find(context) {
      const [one, other] = [await context.another(), await context.another()]
      const key = Number.parseInt(context.name.slice(-8), 16)
      for (const wire of [one, other]) worked(await ask(wire, 'BEGIN ISOLATION LEVEL READ COMMITTED'))
      // Takes its first snapshot before the row is there.
      worked(await ask(other, `SELECT count(*) FROM ${context.t}`))
      worked(await ask(one, `SELECT pg_advisory_xact_lock(${key})`))
      const waited = ask(other, `SELECT pg_advisory_xact_lock(${key})`)
      worked(await ask(one, `INSERT INTO ${context.t} (k) VALUES (1500)`))
      worked(await ask(one, 'COMMIT'))
      worked(await waited)
      const { rows } = worked(await ask(other, `SELECT k FROM ${context.t} WHERE k = 1500`))
      return rows.length === 1 ? 'the row' : 'no row'
    },
  },
]

const backend = async (wire: Wire): Promise<string> => only(worked(await ask(wire, 'SELECT pg_backend_pid()')))
