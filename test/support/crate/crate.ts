import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { movePrimaries, newCatalogue, refreshTable } from './catalogue.ts'
import { serve } from './connection.ts'
import type { Context, CrateSettings } from './context.ts'
import { CrateError } from './failure.ts'
import { type Faults, newFaults } from './faults.ts'
import { newParameters } from './parameters.ts'
import { plainValue } from './plain-values.ts'
import { readText } from './read-text.ts'
import { plan } from './statements.ts'

export interface CrateOptions extends Partial<CrateSettings> {
  /** Asked of everybody, in clear. Without one everybody is trusted. */
  readonly password?: string
  /** Without one SSLRequest is answered with N. */
  readonly tls?: { readonly key: string; readonly cert: string }
}

/**
 * A stand-in for CrateDB's PostgreSQL port. It is no CrateDB: it shows how the protocol is handled, and fails where versions
 * 5.10 and 6.4 were seen to fail, or where CrateDB's documentation and source say that it fails. Statements are read with
 * CrateDB's own grammar, and run over tables in memory.
 */
export interface Crate {
  readonly url: string
  readonly port: number
  /** May be changed while it runs. */
  readonly settings: CrateSettings
  readonly faults: Faults
  /** Every text that clients sent, also what could not be read, in order. */
  readonly sent: readonly string[]
  /** Every statement that was run, with the number of its binds; `query` leaves no trace. */
  readonly executed: readonly { readonly text: string; readonly binds: number }[]
  /** Runs a statement from outside, with everything refreshed. Integers and timestamps (ms) are bigint, objects are plain. */
  query(text: string): readonly Record<string, unknown>[]
  /** Makes all that is written visible to searches. */
  refresh(): void
  /** New tokens for all rows, as when primaries move. */
  movePrimaries(): void
  /** Cuts all connections; new ones are welcome. */
  disconnect(): void
  stop(): Promise<void>
}

export const DEFAULT_SETTINGS: Readonly<CrateSettings> = {
  crateVersion: '6.4.3',
  refresh: 'manual',
  maxParameters: 32_767,
  maxStatementLength: 262_144,
  columnLimit: 1000,
  badSelectedRow: 'skip',
  refusal: null,
}

export async function startCrate({ password, tls, ...changed }: CrateOptions = {}): Promise<Crate> {
  const settings: CrateSettings = { ...DEFAULT_SETTINGS, ...changed }
  const catalogue = newCatalogue()
  const faults = newFaults()
  const sent: string[] = []
  const executed: { text: string; binds: number }[] = []
  const sockets = new Set<Socket>()
  const secure = tls === undefined ? null : createSecureContext(tls)

  // Answers are small and many: none may wait for the client to acknowledge the one before.
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    serve(socket, {
      password: password ?? null,
      secure: secure === null ? null : (plain) => new TLSSocket(plain, { isServer: true, secureContext: secure }),
      crateVersion: () => settings.crateVersion,
      context: (user, schema, variables): Context => ({
        catalogue,
        settings,
        schema,
        user,
        variables,
        lostRow: () => false,
      }),
      sent: (text) => sent.push(text),
      executes(text, binds) {
        executed.push({ text, binds })
        return faults.befalls(text)
      },
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }

  function tables() {
    return [...catalogue.relations.values()].filter((relation) => relation.kind === 'table')
  }

  return {
    url: `crate://crate${password === undefined ? '' : `:${encodeURIComponent(password)}`}@127.0.0.1:${port}/doc`,
    port,
    settings,
    faults,
    sent,
    executed,
    query(text) {
      const context: Context = {
        catalogue,
        settings: { ...settings, refresh: 'always' },
        schema: 'doc',
        user: 'crate',
        variables: new Map(),
        lostRow: () => false,
      }
      const [read] = readText(text, settings.crateVersion)
      if (read === undefined) throw new CrateError('There is no statement', '42601')
      const { columns, rows } = plan(read.statement, context, newParameters(0)).run()
      return rows.map((row) => Object.fromEntries(columns!.map(({ name }, at) => [name, plainValue(row[at]!)])))
    },
    refresh: () => tables().forEach(refreshTable),
    movePrimaries: () => tables().forEach(movePrimaries),
    disconnect() {
      for (const socket of sockets) socket.destroy()
    },
    async stop() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
