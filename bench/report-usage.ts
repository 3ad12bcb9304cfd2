/**
 * Preloaded into a process that is measured (`node --import`): tells through file descriptor 3 what it uses, one JSON
 * object a line. So nothing in `src/` needs to know that it is being measured.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { writeSync } from 'node:fs'
import type { ClientRequest } from 'node:http'
import { resourceUsage } from 'node:process'

export interface Usage {
  /** When this was: the first GetRecords ends what a program needs to start. */
  readonly at: 'sample' | 'first GetRecords' | 'exit'
  /** CPU time since the process began, user and system, microseconds. */
  readonly cpuMicros: number
  readonly rssBytes: number
  readonly peakRssBytes: number
}

const SAMPLE_EVERY_MS = 200

function report(at: Usage['at']): void {
  const { userCPUTime, systemCPUTime, maxRSS } = resourceUsage()
  const usage: Usage = {
    at,
    cpuMicros: userCPUTime + systemCPUTime,
    rssBytes: process.memoryUsage.rss(),
    peakRssBytes: maxRSS * 1024,
  }
  writeSync(3, `${JSON.stringify(usage)}\n`)
}

setInterval(report, SAMPLE_EVERY_MS, 'sample').unref()
process.on('exit', () => report('exit'))

const REQUESTS = 'http.client.request.start'
subscribe(REQUESTS, onRequest)

function onRequest(message: unknown): void {
  const { request } = message as { readonly request: ClientRequest }
  if (!String(request.getHeader('x-amz-target')).endsWith('.GetRecords')) return
  unsubscribe(REQUESTS, onRequest)
  report('first GetRecords')
}
