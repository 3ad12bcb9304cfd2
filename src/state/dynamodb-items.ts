import { createHash } from 'node:crypto'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import * as z from 'zod'
import type { RelayIdentity, Stored } from '../batch.ts'
import { parseJson } from '../parse-json.ts'
import type { Holder } from './heartbeat-claim.ts'
import { FORM, requireKnownForm } from './known-form.ts'
import { IDENTITY, jsonOf, read, STORED } from './stored-json.ts'

/*
 * What the table holds of a relay. Partition key `relay`: its name; sort key `item`:
 *
 *   head                        who the relay is, the claim on its name, the newest positions and facts, the list of pages
 *   page CLAIM REVISION HASH    a slice of the positions and facts before those of the head; never altered
 *
 * Only the head says what counts: a page that it does not list is what a crash or a lost answer left, and is removed. A
 * page is named by the claim and the revision of the head that was to list it first, and by its content. So trying again
 * writes the same pages, and a request that is late can neither alter nor remove one that counts.
 */

export type Item = Record<string, AttributeValue>

export const HEAD = 'head'
export const PAGE = 'page '

/** Of the positions and facts in the head, as JSON. With the rest of it far from the 400 KB that an item may have. */
const HEAD_MAX_BYTES = 200_000
/** Of a page. */
const PAGE_MAX_BYTES = 380_000

/** What the head says of positions and facts. */
export interface HeadContent {
  /** Sort keys, in order. */
  readonly pages: readonly string[]
  /** What became known since the pages were written. */
  readonly recent: Stored
}

/** Heartbeats are on the service's clock. */
export interface Head extends Holder, HeadContent {
  /** Of these items. */
  readonly format: typeof FORM
  /** Goes up with each process that takes the name. */
  readonly claim: number
  /** Goes up with each move. */
  readonly revision: number
  readonly identity: Omit<RelayIdentity, 'name'>
}

export const NOTHING: Stored = { positions: new Map(), facts: new Map() }

export const keyOf = (relay: string, item: string): Item => ({ relay: { S: relay }, item: { S: item } })

export function pageName(claim: number, revision: number, content: Uint8Array): string {
  return `${PAGE}${claim} ${revision} ${createHash('sha256').update(content).digest('hex')}`
}

/** The claim by whose holder a page was written. */
export const claimOfPage = (page: string): number => Number(page.split(' ')[1])

export const fitsHead = (recent: Stored): boolean => Buffer.byteLength(jsonOf(recent)) <= HEAD_MAX_BYTES

/** The JSON of all that is known, in bytes that fit into pages. */
export function pageContents(stored: Stored): Uint8Array[] {
  const bytes = Buffer.from(jsonOf(stored))
  const count = Math.ceil(bytes.length / PAGE_MAX_BYTES)
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * PAGE_MAX_BYTES, (i + 1) * PAGE_MAX_BYTES))
}

/** @throws RelayError STATE_BROKEN */
export function readPages(contents: readonly Uint8Array[]): Stored {
  if (contents.length === 0) return NOTHING
  return read('The pages of the state', () => STORED.parse(parseJson(Buffer.concat(contents).toString('utf8'))))
}

/** Any part of a head as the attributes that hold it. */
export function attributesOf(part: Partial<Head>): Item {
  const { pages, recent, identity, ...plain } = part
  const attributes: Item = {}
  for (const [name, value] of Object.entries(plain)) {
    attributes[name] = typeof value === 'number' ? { N: String(value) } : { S: value }
  }
  if (pages !== undefined) attributes.pages = { S: JSON.stringify(pages) }
  if (recent !== undefined) attributes.recent = { S: jsonOf(recent) }
  if (identity !== undefined) attributes.identity = { S: identityJson(identity) }
  return attributes
}

/** @throws RelayError STATE_BROKEN, STATE_NEWER */
export function readHead(item: Item): Head {
  requireKnownForm('The head of the state', Number(item.format?.N))
  return read('The head of the state', () => HEAD_ITEM.parse(item))
}

function identityJson({ stream: { id, created, retentionMs }, start, settings }: Head['identity']): string {
  return JSON.stringify({ stream: { id, created, retentionMs }, start, settings })
}

const TEXT = z.object({ S: z.string() }).transform(({ S }) => S)
const INTEGER = z
  .object({ N: z.string() })
  .transform(({ N }) => Number(N))
  .pipe(z.int())
const JSON_TEXT = TEXT.transform((text): unknown => parseJson(text))

const HEAD_ITEM = z.object({
  format: INTEGER.pipe(z.literal(FORM)),
  claim: INTEGER,
  owner: TEXT,
  host: TEXT,
  process: INTEGER,
  since: TEXT,
  revision: INTEGER,
  heartbeat: INTEGER,
  identity: JSON_TEXT.pipe(IDENTITY),
  pages: JSON_TEXT.pipe(z.array(z.string())),
  recent: JSON_TEXT.pipe(STORED),
})
