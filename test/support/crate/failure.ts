/** What CrateDB refuses. Nearly everything has the SQLSTATE XX000, the rest has PostgreSQL's. */
export class CrateError extends Error {
  readonly sqlState: string

  constructor(text: string, sqlState = 'XX000') {
    super(text)
    this.name = 'CrateError'
    this.sqlState = sqlState
  }
}

/** A statement that CrateDB may well take, but that this stand-in has never learned: a gap in the fake, not a refusal. */
export function notInTheFake(what: string): CrateError {
  return new CrateError(`The CrateDB fake does not know ${what}`, '0A000')
}

export function cannotCast(value: string, type: string): CrateError {
  return new CrateError(`Cannot cast value \`${value}\` to type \`${type}\``)
}
