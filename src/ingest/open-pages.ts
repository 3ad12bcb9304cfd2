import type { Page } from './source.ts'

/** The pages of a run that are neither acknowledged nor wholly deferred: when the run fails, each of them hears of it. */
export class OpenPages {
  readonly #open = new Set<Page>()

  /** The page, for a reader. */
  watch(page: Page): Page {
    this.#open.add(page)
    return {
      ...page,
      ack: () => {
        this.#open.delete(page)
        page.ack()
      },
      defer: (fromIndex) => {
        if (fromIndex === 0) this.#open.delete(page)
        page.defer(fromIndex)
      },
      failed: (error) => page.failed(error),
    }
  }

  fail(error: unknown): void {
    for (const page of this.#open) page.failed(error)
    this.#open.clear()
  }
}
