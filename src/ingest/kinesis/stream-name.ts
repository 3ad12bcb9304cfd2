import { RelayError } from '../../errors.ts'

export interface StreamName {
  readonly name: string
  /** Null if only the name was given. */
  readonly arn: string | null
}

/** @throws RelayError CONFIGURATION */
export function streamNameOf(text: string): StreamName {
  if (/^[a-zA-Z0-9_.-]{1,128}$/.test(text)) return { name: text, arn: null }
  const arn = /^arn:[^:]+:kinesis:[a-z0-9-]+:\d{12}:stream\/([a-zA-Z0-9_.-]{1,128})$/.exec(text)
  if (arn === null) {
    throw new RelayError('CONFIGURATION', `"${text}" is neither the name nor the ARN of a Kinesis stream`)
  }
  return { name: arn[1]!, arn: text }
}

export const regionOf = (arn: string): string => arn.split(':')[3]!

/** What is wrong with a stream as the operator names it; null if nothing. What may be the URL of something else is not quoted. */
export function streamProblem(text: string, region: unknown): string | null {
  if (text.includes('://')) return 'is a URL, where a stream name or ARN or file:PATH is meant'
  try {
    const { arn } = streamNameOf(text)
    if (arn === null || region === undefined || region === regionOf(arn)) return null
    return `is in ${regionOf(arn)}, but the region given is ${region}`
  } catch (error) {
    if (!(error instanceof RelayError)) throw error
    return `is neither file:PATH nor the name or ARN of a Kinesis stream: ${text}`
  }
}
