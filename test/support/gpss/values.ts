import { pqFailure } from './failure.ts'
import type { DBValue } from './wire-messages.ts'

/** A column that a load fills. */
export interface LoadColumn {
  readonly name: string
  /** To cast text to, without length: a cast to `varchar(3)` would cut, where an input function refuses. */
  readonly castType: string
  /** Internal name, `int4`; of a domain, the type below it. */
  readonly baseType: string
  /** As PostgreSQL's messages have it, `integer`. */
  readonly spelled: string
}

/** The types that each member is documented for. Text goes into every type, and null is a value of all. */
const DOCUMENTED: Readonly<Record<string, readonly string[]>> = {
  Int32Value: ['int4'],
  Int64Value: ['int8'],
  Float32Value: ['float4'],
  Float64Value: ['float8'],
  BytesValue: ['bytea'],
  TimeStampValue: ['timestamp', 'time'],
}

/**
 * A value as PostgreSQL reads it from text, or null.
 *
 * @param strict refuse what is not documented for the column's type
 * @throws GpssFailure no value, not even null; or a member that the column does not take
 */
export function textOf(value: DBValue | null, column: LoadColumn, strict: boolean): string | null {
  if (value === null) throw pqFailure(`no value for column "${column.name}": a DBValue has no member set`)
  // Which type OtherValue carries is documented nowhere.
  if (value.case === 'OtherValue') throw pqFailure(`column "${column.name}" cannot be loaded from OtherValue`)
  const types = DOCUMENTED[value.case]
  if (strict && types !== undefined && !types.includes(column.baseType)) {
    throw pqFailure(`column "${column.name}" is of type ${column.spelled} but expression is of type ${value.case}`)
  }
  if (value.case === 'NullValue') return null
  if (value.case === 'BytesValue') return `\\x${Buffer.from(value.value).toString('hex')}`
  if (value.case === 'TimeStampValue') return timestampText(value.value)
  return Object.is(value.value, -0) ? '-0' : String(value.value)
}

/** Wall clock time, read as UTC: the type has no zone. Years 1 to 9999 and whole nanoseconds, as its definition says. */
function timestampText({ seconds, nanos }: { readonly seconds: bigint; readonly nanos: number }): string {
  if (seconds < -62135596800n || seconds > 253402300799n) {
    throw pqFailure(`date/time field value out of range: ${seconds} s`)
  }
  if (nanos < 0 || nanos > 999_999_999) throw pqFailure(`date/time field value out of range: ${nanos} ns`)
  const [date, time] = new Date(Number(seconds) * 1000).toISOString().split('T')
  return `${date} ${time!.slice(0, 8)}.${String(nanos).padStart(9, '0')}`
}
