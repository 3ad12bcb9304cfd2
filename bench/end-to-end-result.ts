/** What a run of end-to-end.ts came to. */
export interface EndToEndResult {
  readonly cpuMicrosPerChange: number
  readonly peakRssBytes: number
}

/** Reads what end-to-end.ts printed: its last line of JSON, or the text alone, as it was before there was one. */
export function readResult(output: string): EndToEndResult {
  const last = output.trimEnd().split('\n').at(-1)!
  if (last.startsWith('{')) return JSON.parse(last)
  const cpu = /^ *CPU of the relay +([\d.]+) µs per change/m.exec(output)
  const peak = /^ *peak RSS +(\d+) MB/m.exec(output)
  if (cpu === null || peak === null) throw new Error(`There is no result in what end-to-end.ts printed:\n${output}`)
  return { cpuMicrosPerChange: Number(cpu[1]), peakRssBytes: Number(peak[1]) * 1e6 }
}
