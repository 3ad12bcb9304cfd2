import { readFile } from 'node:fs/promises'
import { type ChannelCredentials, Client, type ClientOptions, credentials, Metadata } from '@grpc/grpc-js'
import { RelayError } from '../../errors.ts'
import type { GpssAddress, TlsFiles } from './address.ts'
import type { Method } from './service.ts'

const OPTIONS: ClientOptions = {
  // A session lives in one server: its calls stay with the address that answered first.
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ pick_first: {} }] }),
  'grpc.service_config_disable_resolution': 1,
  // A Write that is sent again doubles its rows.
  'grpc.enable_retries': 0,
  // Each session has a connection of its own; a lost one is then not what the next one gets.
  'grpc.use_local_subchannel_pool': 1,
  // A Go server hangs up on clients that ping more often than every five minutes, or without a call.
  'grpc.keepalive_time_ms': 6 * 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.keepalive_permit_without_calls': 0,
}

/** A connection to GPSS, made at the first call. */
export interface Channel {
  /** @throws ServiceError, DEADLINE_EXCEEDED after `deadlineMs` */
  call<Request, Response>(method: Method<Request, Response>, request: Request, deadlineMs: number): Promise<Response>
  close(): void
}

/** @throws RelayError CONFIGURATION if a file of the certificates cannot be used */
export async function openChannel({ target, tls }: Pick<GpssAddress, 'target' | 'tls'>): Promise<Channel> {
  const client = new Client(target, await channelCredentials(tls), OPTIONS)
  return {
    call: ({ path, encode, decode }, request, deadlineMs) =>
      new Promise((resolve, reject) => {
        const deadline = Date.now() + deadlineMs
        client.makeUnaryRequest(path, encode, decode, request, new Metadata(), { deadline }, (error, response) => {
          if (error !== null) reject(error)
          else resolve(response!)
        })
      }),
    close: () => client.close(),
  }
}

async function channelCredentials(tls: TlsFiles | null): Promise<ChannelCredentials> {
  if (tls === null) return credentials.createInsecure()
  const ca = tls.ca === null ? null : await pem('ca', tls.ca)
  const key = tls.own === null ? null : await pem('key', tls.own.key)
  const cert = tls.own === null ? null : await pem('cert', tls.own.cert)
  try {
    return credentials.createSsl(ca, key, cert)
  } catch (error) {
    throw new RelayError('CONFIGURATION', `The files ca, cert and key of GPSS are not usable: ${String(error)}`)
  }
}

async function pem(name: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new RelayError('CONFIGURATION', `The file ${path} (${name} of GPSS) cannot be read: ${String(error)}`)
  }
}
