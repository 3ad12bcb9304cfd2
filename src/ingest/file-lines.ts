/** One line of a file, without its line end. */
export interface Line {
  readonly bytes: Buffer
  /** How far the file is read when the line is: the byte offset behind its line end. */
  readonly end: number
}

const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const TAB = 0x09

/**
 * Cuts chunks of bytes into lines, which end in LF or CRLF. Blank lines are left out. A line may be of any length and
 * be torn by chunks anywhere, within a character too: it is cut at bytes, and LF is a byte of no other character in UTF-8.
 */
export class LineCutter {
  #offset: number
  /** The pieces of the line that has not ended yet. */
  #open: Buffer[] = []

  /** @param offset where in the file the first chunk begins */
  constructor(offset: number) {
    this.#offset = offset
  }

  /** The lines that end in `chunk`. They share its memory. */
  cut(chunk: Buffer): Line[] {
    const lines: Line[] = []
    let start = 0
    for (let lf = chunk.indexOf(LF); lf !== -1; lf = chunk.indexOf(LF, start)) {
      this.#open.push(chunk.subarray(start, lf))
      start = lf + 1
      lines.push(...this.#close(this.#offset + start))
    }
    if (start < chunk.length) this.#open.push(chunk.subarray(start))
    this.#offset += chunk.length
    return lines
  }

  /** What stands behind the last line end: a line that is not finished, or nothing. */
  rest(): Line | undefined {
    return this.#close(this.#offset)[0]
  }

  #close(end: number): Line[] {
    const bytes = this.#open.length === 1 ? this.#open[0]! : Buffer.concat(this.#open)
    this.#open = []
    if (bytes.every((byte) => byte === SPACE || byte === TAB || byte === CR)) return []
    return [{ bytes: bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes, end }]
  }
}
