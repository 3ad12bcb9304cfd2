import { setTimeout as sleep } from 'node:timers/promises'
import { status } from '@grpc/grpc-js'
import { type Audit, type Call, type CallRecord, type Method, openAudit } from './audit.ts'
import { connectDatabase } from './database.ts'
import { GpssFailure, NoAnswer, pqFailure } from './failure.ts'
import { openLoad } from './load.ts'
import { describeTable, listSchemas, listTables } from './metadata.ts'
import { openSessions, type Session, type Sessions, unknownSession } from './sessions.ts'
import type { GpssSettings, Moment } from './settings.ts'
import { listen, type Transport } from './transport.ts'
import { type Message, WireError } from './wire.ts'
import {
  CloseRequest,
  CloseRequestBefore110,
  Columns,
  ConnectRequest,
  ConnectRequestBefore110,
  DescribeTableRequest,
  Empty,
  ListSchemaRequest,
  ListTableRequest,
  OpenRequest,
  Schemas,
  Session as SessionMessage,
  Tables,
  TransferStats,
  WriteRequest,
} from './wire-messages.ts'

/**
 * A stand-in for the Greenplum Streaming Server over PostgreSQL: the service `api.Gpss`. The database is the one that
 * a client's ConnectRequest names.
 */
export interface Gpss {
  readonly host: string
  readonly port: number
  /** In order of arrival, over all lives of the server. */
  readonly calls: readonly Call[]
  /** How many sessions there are. */
  readonly sessions: number
  /** Every session is rolled back and unknown from now on. */
  forgetSessions(): Promise<void>
  /** Releases sessions that were idle for too long; done before each call, too. */
  expireSessions(): Promise<void>
  /** As a kill: connections are reset, loads rolled back, sessions forgotten, the port is closed. */
  die(): Promise<void>
  /** There again, on the same port; dies first if it has not. */
  restart(): Promise<void>
  /** Ends in order. Twice is fine. */
  stop(): Promise<void>
}

const FOUR_MIB = 4 * 1024 * 1024

/** @throws Error the port is taken */
export async function startGpss(settings: GpssSettings = {}): Promise<Gpss> {
  const { host = '127.0.0.1', tls } = settings
  const audit = openAudit()
  const sessions = openSessions(settings)
  let loads = 0
  let port = settings.port ?? 0
  let transport: Transport | null = null

  const service: Service = { settings, sessions, nextLoad: () => ++loads }

  async function live(): Promise<void> {
    transport = await listen({ host, port, tls }, (method, request, peer) => {
      const fault = (call: CallRecord) => (moment: Moment) => suffer(call, moment, peer)
      return answer(service, audit, method, request, fault)
    })
    port = transport.port
  }

  async function die(): Promise<void> {
    const dying = transport
    transport = null
    sessions.dropAll()
    await dying?.stop()
  }

  /** What the settings have in store for the call at this moment. */
  async function suffer(call: CallRecord, moment: Moment, peer: string): Promise<void> {
    const fault = settings.fault?.({ call, moment })
    if (fault === undefined) return
    if (fault.kind === 'error') throw new GpssFailure(fault.message, fault.code)
    else if (fault.kind === 'delay') await sleep(fault.milliseconds)
    else if (fault.kind === 'hang') await new Promise(() => {})
    else if (fault.kind === 'forget session') await sessions.end(call.session ?? undefined)
    else if (fault.kind === 'reset') {
      transport?.reset(peer)
      if (moment === 'start') throw new NoAnswer()
    } else {
      await die()
      if (fault.kind === 'restart') await live()
      throw new NoAnswer()
    }
  }

  await live()
  const watch = settings.now === undefined ? setInterval(() => void sessions.expire(), 1000).unref() : undefined
  return {
    host,
    get port() {
      return port
    },
    calls: audit.calls,
    get sessions() {
      return sessions.count
    },
    forgetSessions: sessions.endAll,
    expireSessions: sessions.expire,
    die,
    async restart() {
      await die()
      await live()
    },
    async stop() {
      clearInterval(watch)
      await sessions.endAll()
      await die()
    },
  }
}

interface Service {
  readonly settings: GpssSettings
  readonly sessions: Sessions
  nextLoad(): number
}

/** One call while it is answered. */
interface Answering extends Service {
  readonly call: CallRecord
  /** Lets the settings' fault for this moment happen. */
  at(moment: Moment): Promise<void>
}

/** From the arrival of a call to its answer, with its line in the audit. */
async function answer(
  service: Service,
  audit: Audit,
  method: Method,
  request: Buffer,
  faultsOf: (call: CallRecord) => Answering['at'],
): Promise<Buffer> {
  const call = audit.begin(method, request.length)
  const at = faultsOf(call)
  try {
    await service.sessions.expire()
    checkSize(request, service.settings.maxReceiveBytes ?? FOUR_MIB)
    const answered = await ANSWERS[method](request, { ...service, call, at })
    await at('end')
    audit.end(call)
    return answered
  } catch (error) {
    if (error instanceof GpssFailure) audit.end(call, error)
    else audit.noAnswer(call)
    throw error
  }
}

function checkSize(request: Buffer, max: number): void {
  if (request.length <= max) return
  throw new GpssFailure(
    `grpc: received message larger than max (${request.length} vs. ${max})`,
    status.RESOURCE_EXHAUSTED,
  )
}

/** Reads the request, does the work, and writes the answer. */
const ANSWERS: Readonly<Record<Method, (request: Buffer, answering: Answering) => Promise<Buffer>>> = {
  async Connect(request, { call, at, sessions, settings }) {
    const before110 = { SessionTimeout: 0, ...decode(ConnectRequestBefore110, request) }
    const login = settings.before110 === true ? before110 : decode(ConnectRequest, request)
    await at('start')
    const { id } = await sessions.connect(
      () => connectDatabase(login, settings.greenplum !== undefined),
      login.SessionTimeout || (settings.defaultSessionTimeoutSeconds ?? 0),
    )
    call.session = id
    return SessionMessage.encode({ ID: id })
  },

  async Disconnect(request, { call, at, sessions, settings }) {
    const { ID } = decode(SessionMessage, request)
    call.session = ID
    await at('start')
    const known = await sessions.end(ID)
    if (!known && settings.disconnectUnknown !== 'ok') throw unknownSession(settings)
    return Empty.encode({})
  },

  async Open(request, { call, at, sessions, settings, nextLoad }) {
    const open = decode(OpenRequest, request)
    call.open = open
    call.session = open.Session?.ID ?? null
    await sessions.use(
      open.Session?.ID,
      () => at('start'),
      async (session) => {
        if (session.load !== null) throw new GpssFailure('Load task is already opened')
        const admit = (into: string) => {
          const { concurrentLoads = 'allow' } = settings
          if (concurrentLoads !== 'allow' && sessions.loading(into)) {
            if (concurrentLoads !== 'refuse') throw new GpssFailure(concurrentLoads.refuseWith)
            throw pqFailure(`another load into ${into} is open`)
          }
          session.loadsInto = into
        }
        try {
          session.load = await openLoad(session.db, open, settings, nextLoad(), admit)
        } catch (error) {
          session.loadsInto = null
          throw error
        }
        call.load = session.load.number
      },
    )
    return Empty.encode({})
  },

  async Write(request, { call, at, sessions }) {
    const { Session, Rows } = decode(WriteRequest, request)
    call.session = Session?.ID ?? null
    call.rows = Rows.length
    const start = async () => {
      const open = sessions.loadOf(Session?.ID)
      call.load = open?.number ?? null
      call.nthOfLoad = open === null ? null : open.writes + 1
      try {
        await at('start')
      } catch (error) {
        // What the network says is no word of the load.
        if (error instanceof GpssFailure && error.code !== status.UNAVAILABLE) await open?.fail(error)
        throw error
      }
    }
    await sessions.use(Session?.ID, start, async ({ load }) => {
      if (load === null) throw new GpssFailure('Need to open a load task before write')
      call.columns = await load.write(Rows.map(({ Data }) => Data))
    })
    return Empty.encode({})
  },

  async Close(request, { call, at, sessions, settings }) {
    const before110 = { MaxErrorRows: 0, Abort: false, ...decode(CloseRequestBefore110, request) }
    const close = settings.before110 === true ? before110 : decode(CloseRequest, request)
    call.close = close
    call.session = close.session?.ID ?? null
    const stats = await sessions.use(
      close.session?.ID,
      () => at('start'),
      async (session) => {
        const { load } = session
        if (load === null) throw new GpssFailure('Need to open a load task before close')
        call.load = load.number
        session.load = null
        session.loadsInto = null
        return await load.close(close, at)
      },
    )
    call.stats = stats
    return TransferStats.encode(stats)
  },

  async ListSchema(request, answering) {
    const { Session } = decode(ListSchemaRequest, request)
    return Schemas.encode(await look(answering, Session?.ID, ({ db }) => listSchemas(db)))
  },

  async ListTable(request, answering) {
    const { Session, Schema } = decode(ListTableRequest, request)
    return Tables.encode(await look(answering, Session?.ID, ({ db }) => listTables(db, Schema)))
  },

  async DescribeTable(request, answering) {
    const { Session, SchemaName, TableName } = decode(DescribeTableRequest, request)
    const describe = ({ db }: Session) => describeTable(db, SchemaName, TableName, answering.settings)
    return Columns.encode(await look(answering, Session?.ID, describe))
  },
}

async function look<T>(
  { call, at, sessions }: Answering,
  id: string | undefined,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  call.session = id ?? null
  return await sessions.use(id, () => at('start'), work)
}

/** @throws GpssFailure in grpc-go's words */
function decode<T>(type: Message<T>, request: Buffer): T {
  try {
    return type.decode(request)
  } catch (cause) {
    if (cause instanceof WireError) throw new GpssFailure(`grpc: error unmarshalling request: proto: ${cause.message}`)
    throw cause
  }
}
