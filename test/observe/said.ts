import type { Level, Log } from '../../src/observe/log.ts'

export interface Said {
  readonly level: Level
  readonly fields: Record<string, unknown>
  readonly message: string
}

/** A log, and what it was told. */
export function listening(): { readonly log: Log; readonly said: Said[] } {
  const said: Said[] = []
  const say = (level: Said['level']) => (fields: object, message: string) =>
    void said.push({ level, fields: fields as Record<string, unknown>, message })
  return { said, log: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') } }
}
