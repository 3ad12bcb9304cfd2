/**
 * Preloaded into a process that is measured (`node --import`): tells through file descriptor 3 what it uses, one JSON
 * object a line. So nothing in `src/` needs to know that it is being measured.
 */
import { writeSync } from 'node:fs'
import { resourceUsage } from 'node:process'

export interface Usage {
  /** CPU time since the process began, user and system, microseconds. */
  readonly cpuMicros: number
  readonly rssBytes: number
  readonly peakRssBytes: number
}

const SAMPLE_EVERY_MS = 200

function report(): void {
  const { userCPUTime, systemCPUTime, maxRSS } = resourceUsage()
  const usage: Usage = {
    cpuMicros: userCPUTime + systemCPUTime,
    rssBytes: process.memoryUsage.rss(),
    peakRssBytes: maxRSS * 1024,
  }
  writeSync(3, `${JSON.stringify(usage)}\n`)
}

setInterval(report, SAMPLE_EVERY_MS).unref()
process.on('exit', report)
