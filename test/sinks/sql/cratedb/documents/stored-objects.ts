import { Numeric, newRow, type Row, type Value } from '../../../../../src/change.ts'
import { plainDecimal } from '../../../../../src/sinks/tables/keys.ts'

/** JSON as CrateDB takes it in: whole numbers are `bigint`, all others doubles. Members stand by name. */
export type Taken = null | boolean | string | bigint | number | readonly Taken[] | Members
export type Members = ReadonlyMap<string, Taken>

/** @throws where CrateDB would not take it */
export function taken(json: string): Members {
  const parse = JSON.parse as (text: string, reviver: (key: string, value: unknown, at: At) => unknown) => Members
  return parse(json, (_, value, { source }) => {
    if (typeof value === 'number') return numberOf(source!)
    return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map)
      ? new Map(Object.entries(value))
      : value
  })
}

interface At {
  readonly source?: string
}

function numberOf(source: string): number | bigint {
  if (/[.eE]/.test(source)) return Number(source)
  const whole = BigInt(source)
  if (BigInt.asIntN(64, whole) !== whole) throw new Error(`Cannot detect the type of the value: ${source}`)
  return whole
}

/** What a reader makes of a stored document, by the rule that `ignoredDocument` states. */
export function documentOf(stored: Members): Row {
  const exact = new Set(stored.get('cdc_numbers') as readonly string[] | undefined)
  const row = newRow()
  for (const [key, value] of stored)
    if (key !== 'cdc_numbers') row[nameOf(key)] = readValue(value, `/${token(key)}`, exact)
  return row
}

function readValue(value: Taken, pointer: string, exact: ReadonlySet<string>): Value {
  if (typeof value === 'bigint') return number(String(value))
  if (exact.has(pointer)) return Array.isArray(value) ? value.map(number) : number(value as string)
  if (Array.isArray(value)) return value.map((element, index) => readValue(element, `${pointer}/${index}`, exact))
  if (!(value instanceof Map)) return value as null | boolean | string | number
  const row = newRow()
  for (const [key, member] of value) row[nameOf(key)] = readValue(member, `${pointer}/${token(key)}`, exact)
  return row
}

function number(text: string): number | Numeric {
  return plainDecimal(Number(text)) === text ? Number(text) : new Numeric(text)
}

const token = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')

const nameOf = (key: string): string => (key === '%' ? '' : unescape(key))

/** A table's `OBJECT(DYNAMIC)`, as CrateDB's documentation says that it treats what comes. */
export class DynamicColumn {
  readonly types = new Map<string, string>()

  /** @throws where CrateDB would refuse the row */
  store(json: string): Members {
    return this.object(taken(json), '', 1)
  }

  private object(members: Members, path: string, depth: number): Members {
    if (depth > 100) throw new Error('depth limit')
    return new Map([...members].map(([key, value]) => [key, this.member(value, `${path}['${key}']`, depth)]))
  }

  private member(value: Taken, path: string, depth: number): Taken {
    if (/[.[\t\n\r]/.test(path.replaceAll(/\['|'\]/g, ''))) throw new Error('illegal name')
    const known = this.types.get(path)
    if (value === null || (Array.isArray(value) && value.length === 0)) {
      const isWrong = value === null ? false : known !== undefined && !known.endsWith('[]')
      if (isWrong) throw new Error('Cannot cast')
      this.types.set(path, known ?? (value === null ? 'undefined' : 'undefined[]'))
      return value
    }
    if (known === 'undefined' && Array.isArray(value)) throw new Error('Cannot invoke')
    if (known === 'undefined[]' && !Array.isArray(value)) throw new Error('Cannot cast')
    const guessed = typeOf(value)
    const type = known === undefined || known.startsWith('undefined') ? guessed : known
    this.types.set(path, type)
    if (this.types.size > 1000) throw new Error('Limit of total columns')
    if (type.endsWith('[]') !== Array.isArray(value)) throw new Error('Cannot cast')
    if (!Array.isArray(value)) return this.cast(value, type, path, depth)
    return value.map((element) => this.cast(element, type.slice(0, -2), path, depth))
  }

  private cast(value: Taken, type: string, path: string, depth: number): Taken {
    if (value instanceof Map !== (type === 'object')) throw new Error('Cannot cast')
    switch (type) {
      case 'object':
        return this.object(value as Members, path, depth + 1)
      case 'bigint':
        return BigInt(Math.trunc(Number(value)))
      case 'double':
        return Number(value)
      case 'boolean':
        if (typeof value !== 'boolean') throw new Error('Cannot cast')
        return value
      default: {
        const text = String(value)
        if (Buffer.byteLength(text) > 32_766) throw new Error('immense term')
        return text
      }
    }
  }
}

function typeOf(value: Exclude<Taken, null>): string {
  if (Array.isArray(value)) {
    const types = new Set((value as readonly Taken[]).map((element) => (element === null ? 'null' : typeOf(element))))
    if (types.size > 1) throw new Error('Mixed dataTypes inside a list are not supported')
    const [type] = types
    if (type === 'null' || type!.endsWith('[]')) throw new Error('no element type')
    return `${type}[]`
  }
  if (value instanceof Map) return 'object'
  if (typeof value === 'number') return 'double'
  return typeof value === 'string' ? 'text' : typeof value
}
