/** The package comes without types: what we use of it. */
declare module 'pgpass' {
  import type { Writable } from 'node:stream'

  /** Calls back with the password of the first line that fits; undefined if none does, or there is no such file. */
  function pgpass(
    login: { readonly host?: string; readonly port?: number; readonly database?: string; readonly user?: string },
    then: (password: string | undefined) => void,
  ): void
  namespace pgpass {
    function warnTo(stream: Writable): unknown
  }
  export default pgpass
}
