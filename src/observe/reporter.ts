import pino from 'pino'
import { isFailureCode } from '../errors.ts'
import { maskTexts } from '../mask.ts'
import { type Fields, LEVELS, type Level, type Log, type LogFormat } from './log.ts'
import { logfmtLine } from './logfmt.ts'

/** What an operator sees on standard error: a log, and on a terminal one live line below it. */
export interface Reporter {
  readonly log: Log
  /** True where the live line is. */
  readonly isTerminal: boolean
  /** How wide a line is that fits; as wide as you like where there is no terminal. */
  columns(): number
  /** Shows the live line. Without a terminal: nothing. */
  show(line: string): void
  /** Takes the live line away. */
  clear(): void
}

export interface LogStyle {
  /** Absent: lines for people with a live line on a terminal, JSON elsewhere. */
  readonly format?: LogFormat | undefined
  /** The least important lines that are said; info if absent. */
  readonly level?: Level | undefined
}

/** Every text passes `mask`. */
export async function reporter(
  stream: NodeJS.WriteStream,
  mask: (text: string) => string,
  { format = stream.isTTY ? 'pretty' : 'json', level = 'info' }: LogStyle = {},
): Promise<Reporter> {
  if (format === 'pretty' && stream.isTTY) return await terminalReporter(stream, mask, level)
  const log = logOf(level, mask, lines(stream, format))
  return { log, isTerminal: false, columns: () => Number.POSITIVE_INFINITY, show() {}, clear() {} }
}

type Say = (level: Level, fields: Fields, message: string) => void

function lines(stream: NodeJS.WritableStream, format: LogFormat): Say {
  if (format === 'pretty') return (level, fields, message) => void stream.write(prettyLine(level, fields, message))
  if (format === 'logfmt') {
    return (level, fields, message) =>
      void stream.write(logfmtLine({ time: new Date().toISOString(), level, ...fields, msg: message }))
  }
  const formatters = { level: (label: string) => ({ level: label }) }
  const options = { base: null, level: 'debug', timestamp: pino.stdTimeFunctions.isoTime, formatters } as const
  const json = pino(options, stream)
  return (level, fields, message) => json[level](fields, message)
}

function logOf(least: Level, mask: (text: string) => string, say: Say): Log {
  const upTo = LEVELS.indexOf(least)
  const at = (level: Level): Log[Level] =>
    LEVELS.indexOf(level) > upTo
      ? () => {}
      : (fields, message) => say(level, maskTexts(fields, mask) as Fields, mask(message))
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
}

async function terminalReporter(
  stream: NodeJS.WriteStream,
  mask: (text: string) => string,
  level: Level,
): Promise<Reporter> {
  const { createLogUpdate } = await import('log-update')
  const live = createLogUpdate(stream)
  let line = ''
  const log = logOf(level, mask, (level, fields, message) => {
    live.clear()
    stream.write(prettyLine(level, fields, message))
    if (line !== '') live(line)
  })
  return {
    log,
    isTerminal: true,
    columns: () => stream.columns,
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

const MARKS: Readonly<Record<Level, string>> = { error: 'error: ', warn: 'warning: ', info: '', debug: '· ' }

/** For people: a code says something to them only where it is one of a failure, and the message does not have it. */
function prettyLine(level: Level, { code, ...fields }: Fields, message: string): string {
  const isSaid = isFailureCode(code) && !message.includes(code)
  const details = Object.entries(isSaid ? { code, ...fields } : fields).map(
    ([name, value]) => `${name} ${textOf(value)}`,
  )
  return `${MARKS[level]}${message}${details.length > 0 ? ` (${details.join(', ')})` : ''}\n`
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
