import { Server, ServerCredentials, type status } from '@grpc/grpc-js'
import { decodeMessage, encodeMessage, type Message, methodsOf } from './contract.ts'

/** What the script lets a call come to; a hanging call is never answered. */
export type Answer = Message | Failure | 'hang'
export interface Failure {
  readonly code: status
  readonly details: string
}

export interface ScriptedGpss {
  readonly port: number
  /** `Method` of each call, in the order of arrival, with the session's id where there is one: `Write 2`. */
  readonly calls: string[]
  readonly requests: Message[]
  stop(): void
}

/** As GPSS: sessions 1, 2, …; counts the rows that were written. */
export const usual = (): ((method: string, request: Message) => Answer) => {
  let sessions = 0
  let rows = 0
  return (method, request) => {
    if (method === 'Connect') return { ID: String(++sessions) }
    if (method === 'Write') rows += (request.Rows as unknown[]).length
    if (method !== 'Close') return {}
    const SuccessCount = String(rows)
    rows = 0
    return { SuccessCount }
  }
}

/**
 * A server of api.Gpss that answers what a test tells it to, with no database behind it: for words and moments of
 * failure that a server over a real one does not have.
 */
export async function startScriptedGpss(
  answer: (method: string, request: Message) => Answer,
  { port: wanted = 0, credentials = ServerCredentials.createInsecure() } = {},
): Promise<ScriptedGpss> {
  const server = new Server()
  const calls: string[] = []
  const requests: Message[] = []
  for (const [method, [request, response]] of Object.entries(methodsOf('api.Gpss'))) {
    server.register<Message, Message>(
      `/api.Gpss/${method}`,
      (call: { request: Message }, done: (error: Failure | null, response?: Message) => void) => {
        calls.push(`${method} ${sessionIn(call.request)}`.trimEnd())
        requests.push(call.request)
        const answered = answer(method, call.request)
        if (answered === 'hang') return
        if ('code' in answered) done(answered as Failure)
        else done(null, answered)
      },
      (message) => encodeMessage(response, message),
      (bytes) => decodeMessage(request, bytes),
      'unary',
    )
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${wanted}`, credentials, (error, bound) => (error ? reject(error) : resolve(bound)))
  })
  return { port, calls, requests, stop: () => server.forceShutdown() }
}

function sessionIn(request: Message): string {
  const session = (request.Session ?? request.session ?? request) as { ID?: string }
  return session.ID ?? ''
}
