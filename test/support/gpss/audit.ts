import { status } from '@grpc/grpc-js'
import type { CloseRequest, OpenRequest, TransferStats } from './wire-messages.ts'

export const METHODS = [
  'Connect',
  'Disconnect',
  'Open',
  'Write',
  'Close',
  'ListSchema',
  'ListTable',
  'DescribeTable',
] as const
export type Method = (typeof METHODS)[number]

/** What the server knows of a call; tests read from it the flow, the order and the size of messages. */
export interface Call {
  /** In order of arrival, from 1. */
  readonly number: number
  readonly method: Method
  /** Which call of this method it is, from 1. */
  readonly nth: number
  /** Size of the request. */
  readonly bytes: number
  /** The session it names; of a Connect, the one it made. */
  readonly session: string | null
  /** The load it belongs to, counted from 1 over all sessions; null outside of loads. */
  readonly load: number | null
  /** Of a Write: which of its load, from 1. */
  readonly nthOfLoad: number | null
  /** Of a Write. */
  readonly rows: number | null
  /** Of a Write that was taken: values in each of its rows; the least where they differ. */
  readonly columns: number | null
  readonly open: OpenRequest | null
  readonly close: CloseRequest | null
  readonly stats: TransferStats | null
  /** `OK` or the status by name, `no answer`, and null while it is running. */
  readonly outcome: string | null
  readonly message: string | null
  readonly startedAtMs: number
  readonly durationMs: number | null
}

export type CallRecord = { -readonly [K in keyof Call]: Call[K] }

/** The calls of a server, in order of arrival. */
export interface Audit {
  readonly calls: readonly Call[]
  begin(method: Method, bytes: number): CallRecord
  end(call: CallRecord, failure?: { readonly code: number; readonly message: string }): void
  noAnswer(call: CallRecord): void
}

export function openAudit(): Audit {
  const calls: CallRecord[] = []
  const counted = new Map<Method, number>()
  const finish = (call: CallRecord, outcome: string, message: string | null) => {
    call.outcome = outcome
    call.message = message
    call.durationMs = performance.now() - call.startedAtMs
  }
  return {
    calls,
    begin(method, bytes) {
      const nth = (counted.get(method) ?? 0) + 1
      counted.set(method, nth)
      const call: CallRecord = {
        number: calls.length + 1,
        method,
        nth,
        bytes,
        session: null,
        load: null,
        nthOfLoad: null,
        rows: null,
        columns: null,
        open: null,
        close: null,
        stats: null,
        outcome: null,
        message: null,
        startedAtMs: performance.now(),
        durationMs: null,
      }
      calls.push(call)
      return call
    },
    end: (call, failure) =>
      failure === undefined
        ? finish(call, 'OK', null)
        : finish(call, status[failure.code] ?? String(failure.code), failure.message),
    noAnswer: (call) => finish(call, 'no answer', null),
  }
}
