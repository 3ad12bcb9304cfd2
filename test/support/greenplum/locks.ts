import { listed, type Token } from '../sql-tokens.ts'
import { nameAt } from './tables.ts'

/** `row` is ROW EXCLUSIVE, which only the others conflict with; `table` keeps other writers away, `all` readers, too. */
type Mode = 'row' | 'table' | 'all'
const STRENGTH: Readonly<Record<Mode, number>> = { row: 1, table: 2, all: 3 }

interface Lock {
  readonly table: string
  readonly mode: Mode
}

/** What the transactions of one database lock, in which order, as Greenplum does it without the deadlock detector. */
export interface LockOrder {
  /** @returns in words what two transactions of this kind lock each other out by; empty if nothing. */
  sent(connection: object, statement: readonly Token[]): string[]
}

/**
 * A transaction that takes a stronger lock on a table than it holds can meet another that does the same; and two that
 * take locks in different orders can meet, too. Neither shows on PostgreSQL, which locks rows, nor without luck.
 */
export function lockOrder(): LockOrder {
  const open = new WeakMap<object, Map<string, Mode>>()
  /** `held then wanted` → how that was seen. */
  const orders = new Map<string, Map<string, Order>>()

  function take(held: Map<string, Mode>, { table, mode }: Lock): string[] {
    const before = held.get(table)
    if (before !== undefined && STRENGTH[before] >= STRENGTH[mode]) return []
    if (before !== undefined) return [`a stronger lock on ${table} than the transaction holds`]
    const faults: string[] = []
    for (const [other, heldMode] of held) {
      const gates = [...held].flatMap(([gate, of]) => (gate !== other && of !== 'row' ? [gate] : []))
      const order = { heldMode, mode, gates }
      const opposite = [...(orders.get(`${table} then ${other}`)?.values() ?? [])]
      if (opposite.some((seen) => canMeet(seen, order))) faults.push(`${other} locked before ${table}`)
      const seen = orders.get(`${other} then ${table}`) ?? new Map()
      orders.set(`${other} then ${table}`, seen.set(JSON.stringify(order), order))
    }
    held.set(table, mode)
    return faults
  }

  return {
    sent(connection, statement) {
      const verb = statement[0]?.value
      if (verb === 'begin' || verb === 'start') open.set(connection, new Map())
      if (verb === 'commit' || (verb === 'rollback' && statement.length === 1)) open.delete(connection)
      const held = open.get(connection) ?? new Map<string, Mode>()
      return locksOf(statement).flatMap((lock) => take(held, lock))
    },
  }
}

/** One lock behind another. */
interface Order {
  readonly heldMode: Mode
  readonly mode: Mode
  /** What the transaction had locked besides: of two that both lock it, one waits there. */
  readonly gates: readonly string[]
}

const canMeet = (one: Order, other: Order): boolean =>
  conflict(one.heldMode, other.mode) &&
  conflict(one.mode, other.heldMode) &&
  !one.gates.some((gate) => other.gates.includes(gate))

const conflict = (one: Mode, other: Mode): boolean => one !== 'row' || other !== 'row'

/** In the order in which they are taken. Tables without a schema are temporary, or the test's own. */
function locksOf(statement: readonly Token[]): Lock[] {
  return namedLocks(statement).filter(({ table }) => table.includes('.'))
}

function namedLocks(statement: readonly Token[]): Lock[] {
  const word = (i: number): string | undefined => (statement[i]?.kind === 'word' ? statement[i].value : undefined)
  const has = (...words: readonly string[]): boolean =>
    words.every((each) => statement.some(({ value }) => value === each))
  const at = (i: number, mode: Mode): Lock[] => [{ table: nameAt(statement, i).name, mode }]
  switch (word(0)) {
    case 'lock': {
      const end = statement.findIndex((_, i) => word(i) === 'in')
      return listed(statement.slice(2, end)).flatMap((name) => [{ table: nameAt(name, 0).name, mode: 'table' }])
    }
    case 'update':
      return at(1, 'table')
    case 'delete':
      return at(2, 'table')
    case 'insert':
      return at(2, has('conflict') ? 'table' : 'row')
    case 'copy':
      return at(1, 'row')
    case 'alter':
      return word(1) === 'table' ? at(2, 'all') : []
    case 'select': {
      const from = statement.findIndex((_, i) => word(i) === 'from')
      const locks = statement.some((_, i) => word(i) === 'for' && /^(?:update|share)$/.test(word(i + 1) ?? ''))
      return locks ? at(from + 1, 'table') : []
    }
    default:
      return []
  }
}
