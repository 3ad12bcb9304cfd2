import { schemeOf } from '../server-url.ts'

/**
 * `--crate-objects dynamic` is the older spelling of `crate://…?objects=dynamic`.
 *
 * @param sink a URL of any sink
 */
export function withObjects(sink: string, objects: 'ignored' | 'dynamic' | undefined): string {
  if (objects === undefined || !isCrate(sink) || objectsIn(sink) !== null) return sink
  return `${sink}${sink.includes('?') ? '&' : '?'}objects=${objects}`
}

/** The problem where option and URL differ; null if they do not. */
export function objectsProblem(sink: string, objects: unknown): string | null {
  const inUrl = isCrate(sink) ? objectsIn(sink) : null
  if (objects === undefined || inUrl === null || inUrl === objects) return null
  return `differs from objects=${inUrl} in --sink; leave the option out, the URL is the place for it`
}

/** Where the option has an effect. */
export const objectsWarning = (objects: 'ignored' | 'dynamic'): string =>
  `is the older spelling: write it into the URL of --sink, crate://…?objects=${objects}`

export const isCrate = (sink: string): boolean => schemeOf(sink) === 'crate'

const objectsIn = (sink: string): string | null => URL.parse(sink)?.searchParams.get('objects') ?? null
