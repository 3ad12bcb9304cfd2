import { registerHooks } from 'node:module'

/**
 * For `node --test --import`, with CDC_TEST_READ: `objects` reads no record as bytes, `random` half of those that would be. Holds for
 * this process and all that it starts. So the tests of whole lives say the same of both ways, and of changes of both in one batch.
 */
const WAYS: Readonly<Record<string, string>> = { objects: 'false', random: 'Math.random() < 0.5' }

/** Where the decoder chooses. */
const CHOICE = 'takesJson(reader.format) ? reader.read(record)'

const way = WAYS[process.env.CDC_TEST_READ ?? '']
if (way !== undefined) {
  process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import=${import.meta.url}`
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (!url.endsWith('/src/decode/decoder.ts')) return loaded
      const source = String(loaded.source)
      if (source.split(CHOICE).length !== 2) throw new Error(`${url} does not choose any more where it did`)
      return { ...loaded, source: source.replace(CHOICE, `${way} && ${CHOICE}`) }
    },
  })
}
