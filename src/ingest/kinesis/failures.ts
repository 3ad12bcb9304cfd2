import { type AwsFailure, causeOf, classify, wordsOf } from '../../aws/failures.ts'
import { type ErrorContext, type FailureCode, RelayError } from '../../errors.ts'

const CODES: Readonly<Record<AwsFailure, FailureCode>> = {
  throttled: 'SOURCE_THROTTLED',
  unreachable: 'SOURCE_UNREACHABLE',
  denied: 'SOURCE_DENIED',
  'not found': 'SOURCE_NOT_FOUND',
  'no region': 'CONFIGURATION',
  refused: 'SOURCE_REFUSED',
}

/** An error of the SDK or the network, as ours. What is ours already passes through. */
export function failureOf(error: unknown, place: ErrorContext): RelayError {
  if (error instanceof RelayError) return error.at(place)
  return new RelayError(CODES[classify(error)], wordsOf(error), place, causeOf(error))
}
