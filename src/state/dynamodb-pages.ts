import type { Progress } from '../batch.ts'
import { RelayError } from '../errors.ts'
import {
  claimOfPage,
  fitsHead,
  type Head,
  type HeadContent,
  NOTHING,
  pageContents,
  pageName,
  readPages,
} from './dynamodb-items.ts'
import type { StateTable } from './dynamodb-table.ts'
import { advance, KnownState } from './stored.ts'

/** What one revision of a head says, with its pages read. */
export interface Known extends Revision {
  /** Pages and recent together. */
  readonly stored: KnownState
}

/** What of a head changes with a move. */
export interface Revision extends HeadContent {
  readonly claim: number
  readonly revision: number
}

/** The pages of one relay, as far as one process has to do with them. */
export interface StatePages {
  /** The next revision of `from`, with `progress`. New pages are durable when it resolves, but not listed yet. */
  layOut(name: string, from: Known, progress: Progress): Promise<Revision>
  /** What a head and its pages say. Null if the head was replaced meanwhile. @throws RelayError STATE_BROKEN if a page is missing */
  load(name: string, head: Head): Promise<Known | null>
  /** Takes charge of the pages of all claims up to ours. */
  find(name: string, claim: number): Promise<void>
  /**
   * Removes the pages in our charge that are not in `listed`, the pages of a head that was seen, or whose update was
   * answered: an older update that may still be under way, and lists such a page, then fails at its revision or claim.
   */
  removeUnlisted(name: string, listed: readonly string[]): Promise<void>
}

export function statePages(table: StateTable): StatePages {
  /** Those that may be in the table: written for sure, or sent without an answer. */
  const pages = new Map<string, 'sent' | 'written'>()

  return {
    async layOut(name, from, progress) {
      const { claim } = from
      const revision = from.revision + 1
      // What a page says cannot be taken back by what is recent: then the pages are written again, or none are needed.
      const staysInPages = from.pages.length > 0 && progress.forgotten.some((shard) => from.stored.positions.has(shard))
      if (!staysInPages) {
        const recent = advance(from.recent, progress)
        if (fitsHead(recent)) return { claim, revision, pages: from.pages, recent }
      }
      const stored = advance(from.stored, progress)
      if (fitsHead(stored)) return { claim, revision, pages: [], recent: stored }
      const listed: string[] = []
      for (const content of pageContents(stored)) {
        const page = pageName(claim, revision, content)
        listed.push(page)
        if (pages.get(page) === 'written') continue
        pages.set(page, 'sent')
        await table.writePage(name, page, content)
        pages.set(page, 'written')
      }
      return { claim, revision, pages: listed, recent: NOTHING }
    },

    async load(name, head) {
      const contents: Uint8Array[] = []
      for (const page of head.pages) {
        const content = await table.page(name, page)
        if (content === undefined) {
          const now = await table.head(name)
          if (now?.claim !== head.claim || now.revision !== head.revision) return null
          throw new RelayError('STATE_BROKEN', `The state lists "${page}", but there is no such item`, { name })
        }
        contents.push(content)
      }
      const { claim, revision, recent } = head
      return {
        claim,
        revision,
        pages: head.pages,
        recent,
        stored: new KnownState(advance(readPages(contents), { ...recent, forgotten: [] })),
      }
    },

    async find(name, claim) {
      // Those of higher claims may be of someone who took the name meanwhile, and about to be listed.
      for (const page of await table.pages(name)) if (claimOfPage(page) <= claim) pages.set(page, 'written')
    },

    async removeUnlisted(name, listed) {
      const kept = new Set(listed)
      for (const page of pages.keys()) {
        if (kept.has(page)) continue
        await table.deletePage(name, page)
        pages.delete(page)
      }
    },
  }
}
