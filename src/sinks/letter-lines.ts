import { createReadStream } from 'node:fs'
import { RelayError } from '../errors.ts'
import { fileTrouble } from '../file-trouble.ts'

/** Where a line stands in its file, in bytes; its end is not part of it. */
export interface Line {
  readonly offset: number
  readonly length: number
}

/** How the line of an open letter begins; that of one that was let go is as long. */
const OPEN = '{"kind":"dead-letter"'
export const DONE = Buffer.from('{"kind":"done-letter"')

export const isOpenLetter = (line: string): boolean => line.startsWith(OPEN)

const LF = 0x0a

/** The whole lines of a file; one that a crash tore, or that is just being written, is none. No file: none. @throws RelayError CONFIGURATION */
export async function* linesIn(path: string): AsyncGenerator<Line & { readonly text: string }> {
  let rest: Buffer = Buffer.alloc(0)
  let offset = 0
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let begin = 0
      for (let end = bytes.indexOf(LF); end !== -1; end = bytes.indexOf(LF, begin)) {
        yield { offset: offset + begin, length: end - begin, text: bytes.toString('utf8', begin, end) }
        begin = end + 1
      }
      rest = bytes.subarray(begin)
      offset += begin
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return
    throw new RelayError('CONFIGURATION', `${path} cannot be read: ${fileTrouble(cause)}`, {}, cause)
  }
}
