import { Writable } from 'node:stream'

/** A stream that is a terminal, or is none, and what was written to it. */
export function terminal(isTTY: boolean): { readonly stream: NodeJS.WriteStream; readonly text: () => string } {
  let text = ''
  const stream = new Writable({
    write(chunk, _, done) {
      text += String(chunk)
      done()
    },
  })
  return {
    stream: Object.assign(stream, { isTTY, columns: 200, rows: 50 }) as unknown as NodeJS.WriteStream,
    text: () => text,
  }
}
