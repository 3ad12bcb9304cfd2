import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

/** proto/gpss.proto, read by a library that knows nothing of the relay's own encoding. */
const path = fileURLToPath(new URL('../../../proto/gpss.proto', import.meta.url))
const root = new protobuf.Root().loadSync(path, { keepCase: true })

export type Message = Record<string, unknown>

const typeNamed = (name: string) => root.lookupType(name.includes('.') ? name : `api.${name}`)

/** Fields as the .proto writes them; enums by name, 64 bits as text, bytes as Buffer; only what was set. */
export function decodeMessage(type: string, bytes: Uint8Array): Message {
  const known = typeNamed(type)
  return known.toObject(known.decode(bytes), { longs: String, enums: String, bytes: Buffer })
}

export function encodeMessage(type: string, message: Message): Buffer {
  const known = typeNamed(type)
  return Buffer.from(known.encode(known.fromObject(message)).finish())
}

/** Method → [request, response], of those names that are of this package. */
export function methodsOf(service: string): Record<string, [string, string]> {
  const { methodsArray } = root.lookupService(service)
  return Object.fromEntries(methodsArray.map((method) => [method.name, [method.requestType, method.responseType]]))
}
