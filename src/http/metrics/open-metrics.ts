/**
 * The text format of Prometheus as OpenMetrics: a family of counters is named without the `_total` of its samples, and the end is marked.
 * The registry of prom-client for OpenMetrics renames its counters for good, so that it could not answer in both formats.
 */
export function asOpenMetrics(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '')
  const counters = new Set(lines.flatMap((line) => /^# TYPE (\S+)_total counter$/.exec(line)?.[1] ?? []))
  const renamed = lines.map((line) => {
    const [, comment, family, rest] = /^(# (?:HELP|TYPE)) (\S+)_total (.*)$/.exec(line) ?? []
    return family !== undefined && counters.has(family) ? `${comment} ${family} ${rest}` : line
  })
  return `${renamed.join('\n')}\n# EOF\n`
}
