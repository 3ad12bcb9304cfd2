import pino from 'pino'
import { maskTexts } from '../mask.ts'
import type { Log } from './log.ts'

/** What an operator sees on standard error: a log, and on a terminal one live line below it. */
export interface Reporter {
  readonly log: Log
  readonly isTerminal: boolean
  /** Shows the live line. Without a terminal: nothing. */
  show(line: string): void
  /** Takes the live line away. */
  clear(): void
}

/** Structured lines (JSON) where nobody watches, short ones with a live line on a terminal. Every text passes `mask`. */
export async function reporter(stream: NodeJS.WriteStream, mask: (text: string) => string): Promise<Reporter> {
  return stream.isTTY ? await terminalReporter(stream, mask) : structuredReporter(stream, mask)
}

function structuredReporter(stream: NodeJS.WritableStream, mask: (text: string) => string): Reporter {
  const lines = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream)
  const say = (level: 'info' | 'warn' | 'error') => (fields: object, message: string) =>
    lines[level](maskTexts(fields, mask), mask(message))
  return {
    log: { info: say('info'), warn: say('warn'), error: say('error') },
    isTerminal: false,
    show() {},
    clear() {},
  }
}

async function terminalReporter(stream: NodeJS.WriteStream, mask: (text: string) => string): Promise<Reporter> {
  const { createLogUpdate } = await import('log-update')
  const live = createLogUpdate(stream)
  let line = ''
  const say = (mark: string) => (fields: object, message: string) => {
    const details = Object.entries(maskTexts(fields, mask)).map(([name, value]) => `${name} ${textOf(value)}`)
    live.clear()
    stream.write(`${mark}${mask(message)}${details.length > 0 ? ` (${details.join(', ')})` : ''}\n`)
    if (line !== '') live(line)
  }
  return {
    log: { info: say(''), warn: say('warning: '), error: say('error: ') },
    isTerminal: true,
    show(text) {
      line = text
      live(text)
    },
    clear() {
      line = ''
      live.clear()
      live.done()
    },
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
