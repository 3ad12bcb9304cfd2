import { CrateError } from './failure.ts'
import { type DataType, TEXT } from './types.ts'
import type { Value } from './values.ts'
import { readParameter } from './wire-values.ts'

/** The parameters of one execution. While a statement is only analysed there are none yet: all are null. */
export interface Parameters {
  /** Null where the statement has not shown the type of the parameter yet. */
  readonly types: (DataType | null)[]
  /** Reads a parameter as `type`, which it is known by from now on. */
  value(index: number, type: DataType | null): Value
}

/** @param texts as they came, null is NULL; not given while the statement is only analysed */
export function newParameters(count: number, texts?: readonly (string | null)[]): Parameters {
  const types: (DataType | null)[] = Array.from({ length: count }, () => null)
  return {
    types,
    value(index, type) {
      if (index >= count) throw new CrateError(`Statement has no parameter $${index + 1}`)
      types[index] ??= type
      const text = texts?.[index] ?? null
      return text === null ? null : readParameter(text, type ?? types[index] ?? TEXT)
    },
  }
}
