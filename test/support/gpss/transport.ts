import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { METHODS, type Method } from './audit.ts'
import { GpssFailure, NoAnswer } from './failure.ts'
import type { TlsSettings } from './settings.ts'

// An HTTP/2 session whose socket was reset can keep a write that never ends, and Node.js then waits for it for ever while it
// takes itself apart. To be told to exit, it does without.
process.once('exit', (code) => process.exit(code))

export interface Transport {
  readonly port: number
  /** Resets one client's connection. @param peer as the handler got it */
  reset(peer: string): void
  /** Resets all connections and frees the port. */
  stop(): Promise<void>
}

/** @throws NoAnswer the call stays unanswered. @throws GpssFailure its status */
export type Handler = (method: Method, request: Buffer, peer: string) => Promise<Buffer>

/**
 * The service's eight methods on `/api.Gpss/…`, with bytes in and bytes out. The sockets are our own, so that they can
 * be reset. gRPC's limit for messages is off: the handler has its own, with the text of the real server.
 */
export async function listen(
  { host, port, tls }: { readonly host: string; readonly port: number; readonly tls: TlsSettings | undefined },
  handler: Handler,
): Promise<Transport> {
  const grpc = new Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 })
  grpc.addService(SERVICE, Object.fromEntries(METHODS.map((method) => [method, unary(method, handler)])))
  const injector = grpc.createConnectionInjector(credentials(tls))

  const sockets = new Map<string, Socket>()
  const listener = createServer((socket) => {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`
    sockets.set(peer, socket)
    socket.on('error', () => {}) // a reset is part of the play
    socket.once('close', () => sockets.delete(peer))
    injector.injectConnection(socket)
  })
  listener.listen(port, host)
  await once(listener, 'listening')

  return {
    port: (listener.address() as AddressInfo).port,
    reset: (peer) => sockets.get(peer)?.resetAndDestroy(),
    async stop() {
      const closed = once(listener, 'close')
      listener.close()
      for (const socket of sockets.values()) socket.resetAndDestroy()
      grpc.forceShutdown()
      await closed
    },
  }
}

const asItIs = (bytes: Buffer): Buffer => bytes

const SERVICE: ServiceDefinition<UntypedServiceImplementation> = Object.fromEntries(
  METHODS.map((method) => [
    method,
    {
      path: `/api.Gpss/${method}`,
      requestStream: false,
      responseStream: false,
      requestSerialize: asItIs,
      requestDeserialize: asItIs,
      responseSerialize: asItIs,
      responseDeserialize: asItIs,
    },
  ]),
)

function unary(method: Method, handler: Handler): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    handler(method, call.request, call.getPeer()).then(
      (answer) => callback(null, answer),
      (error: unknown) => {
        if (error instanceof NoAnswer) return
        if (error instanceof GpssFailure) callback({ code: error.code, details: error.message })
        // A fault of this server, not of its client: the test that runs it has to end.
        else throw error
      },
    )
  }
}

function credentials(tls: TlsSettings | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure()
  const authority = tls.clientAuthority === undefined ? null : Buffer.from(tls.clientAuthority)
  const pair = { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.certificate) }
  return ServerCredentials.createSsl(authority, [pair], authority !== null)
}
