/** Certificates for tests: an authority of our own and what it signs, made in memory with nothing but node:crypto. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/** PEM. */
export interface Certificate {
  readonly certificate: string
  readonly key: string
}

export interface Authority extends Certificate {
  /** @param name the common name and, of a server, the host; `127.0.0.1` is always among its addresses */
  issue(name: string): Certificate
}

export function certificateAuthority(name = 'authority of a test'): Authority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const own = signed({ name, key: keys.publicKey, authority: true }, { name, key: keys.privateKey })
  return {
    ...own,
    key: pem(keys.privateKey),
    issue(subject) {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const issued = signed({ name: subject, key: pair.publicKey, authority: false }, { name, key: keys.privateKey })
      return { ...issued, key: pem(pair.privateKey) }
    },
  }
}

interface Subject {
  readonly name: string
  readonly key: KeyObject
  readonly authority: boolean
}

/** X.509 version 3, as RFC 5280 has it: the part to be signed, the algorithm, the signature. */
function signed(subject: Subject, issuer: { readonly name: string; readonly key: KeyObject }) {
  const toBeSigned = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    commonName(issuer.name),
    sequence(generalizedTime('20200101000000Z'), generalizedTime('20991231235959Z')),
    commonName(subject.name),
    subject.key.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions(subject))),
  )
  const signature = bitString(sign('sha256', toBeSigned, issuer.key))
  const body = sequence(toBeSigned, ECDSA_WITH_SHA256, signature).toString('base64')
  const lines = body.match(/.{1,64}/g) ?? []
  return { certificate: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n` }
}

/** Basic constraints, subject key identifier and, of a server or client, the names it goes by. */
function extensions({ name, key, authority }: Subject): Buffer[] {
  const critical = tagged(0x01, Buffer.from([0xff]))
  const keyId = createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
  const basic = sequence(objectId('551d13'), critical, octets(authority ? sequence(critical) : sequence()))
  const id = sequence(objectId('551d0e'), octets(octets(keyId)))
  const names = sequence(tagged(0x82, Buffer.from(name)), tagged(0x87, Buffer.from([127, 0, 0, 1])))
  return authority ? [basic, id] : [basic, id, sequence(objectId('551d11'), octets(names))]
}

/** DER: a tag, the length, the content. */
function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: Buffer[]) => tagged(0x30, Buffer.concat(parts))
const integer = (bytes: Buffer) => tagged(0x02, bytes)
const octets = (bytes: Buffer) => tagged(0x04, bytes)
const bitString = (bytes: Buffer) => tagged(0x03, Buffer.concat([Buffer.from([0]), bytes]))
const objectId = (hex: string) => tagged(0x06, Buffer.from(hex, 'hex'))
const generalizedTime = (text: string) => tagged(0x18, Buffer.from(text))
const commonName = (name: string) =>
  sequence(tagged(0x31, sequence(objectId('550403'), tagged(0x0c, Buffer.from(name)))))

const ECDSA_WITH_SHA256 = sequence(objectId('2a8648ce3d040302'))

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}
