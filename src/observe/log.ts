/** What the modules need of a log; pino is one. Fields never hold row values or passwords. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const SILENT: Log = { info() {}, warn() {}, error() {} }
