import assert from 'node:assert/strict'

/** A metric, as it stands in the text. */
export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly Sample[]
}

export interface Sample {
  /** Behind the name of the family: `_bucket`, `_sum`, `_count`; in OpenMetrics `_total`, too. */
  readonly suffix: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const HEAD = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y
const NUMBER = /^(?:[+-]Inf|NaN|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/

/**
 * Reads the text format of Prometheus, or OpenMetrics, by the letter of its specification; checks what `promtool check metrics` does, and that
 * histograms add up.
 * @throws AssertionError where the text is not that
 */
export function readMetrics(text: string, format: 'prometheus' | 'openmetrics' = 'prometheus'): Map<string, Family> {
  const families = new Map<string, Family & { samples: Sample[] }>()
  let current: (Family & { samples: Sample[]; help: string; type: string }) | undefined
  const lines = text.split('\n')
  assert.equal(lines.pop(), '', 'the text ends with a line feed')
  if (format === 'openmetrics') assert.equal(lines.pop(), '# EOF')
  for (const line of lines) {
    if (line === '' && format === 'prometheus') continue
    const [, kind, name, rest] = HEAD.exec(line) ?? []
    if (kind === 'HELP') {
      assert.ok(!families.has(name!), `${name} comes twice`)
      current = { name: name!, type: '', help: rest!, samples: [] }
      families.set(name!, current)
    } else if (kind === 'TYPE') {
      assert.ok(current?.name === name && current!.type === '' && current!.samples.length === 0, line)
      assert.match(rest!, /^(counter|gauge|histogram|summary)$/)
      current!.type = rest!
    } else {
      assert.ok(current !== undefined, line)
      current.samples.push(sampleOf(line, current.name))
    }
  }
  for (const family of families.values()) check(family, format)
  return families
}

function sampleOf(line: string, family: string): Sample {
  const [, name, labelsText = '', value] = SAMPLE.exec(line) ?? []
  assert.ok(name?.startsWith(family), `not a sample of ${family}: ${line}`)
  assert.match(value!, NUMBER, line)
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < labelsText.length) {
    const from = LABEL.lastIndex
    const [, label, quoted] = LABEL.exec(labelsText) ?? []
    assert.ok(label !== undefined, `labels from ${from} on: ${line}`)
    assert.ok(!Object.hasOwn(labels, label), `${label} comes twice: ${line}`)
    labels[label] = quoted!.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
  }
  return { suffix: name!.slice(family.length), labels, value: Number(value!.replace('Inf', 'Infinity')) }
}

function check({ name, type, help, samples }: Family, format: 'prometheus' | 'openmetrics'): void {
  assert.notEqual(type, '', `${name} has no type`)
  assert.ok(help.length > 0, `${name} has no help`)
  assert.doesNotMatch(
    name,
    /milli|micro|minute|hour|kilo|mega|_ms\b|[A-Z]/,
    `${name} is not in base units, or not in snake case`,
  )
  if (format === 'openmetrics') assert.ok(!name.endsWith('_total'), name)
  else assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`)
  const seen = samples.map(({ suffix, labels }) => JSON.stringify([suffix, Object.entries(labels).sort()]))
  assert.equal(new Set(seen).size, samples.length, `${name} has a sample twice`)
  if (type === 'counter') {
    for (const { suffix, value } of samples) {
      assert.equal(suffix, format === 'openmetrics' ? '_total' : '', name)
      assert.ok(value >= 0, name)
    }
  } else if (type === 'histogram') checkBuckets(name, samples)
  else if (type === 'gauge') for (const { suffix } of samples) assert.equal(suffix, '', name)
}

function checkBuckets(name: string, samples: readonly Sample[]): void {
  const without = ({ le: _, ...labels }: Record<string, string>): string => JSON.stringify(labels)
  for (const [labels, series] of Map.groupBy(samples, (sample) => without(sample.labels))) {
    const of = (suffix: string): Sample[] => series.filter((sample) => sample.suffix === suffix)
    const buckets = of('_bucket')
    const bounds = buckets.map((sample) => Number(sample.labels.le!.replace('+Inf', 'Infinity')))
    assert.deepEqual(
      bounds,
      bounds.toSorted((a, b) => a - b),
      `${name}${labels}`,
    )
    assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY, `${name}${labels}`)
    const counts = buckets.map(({ value }) => value)
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
      `${name}${labels}`,
    )
    assert.equal(counts.at(-1), of('_count')[0]?.value, `${name}${labels}`)
    assert.equal(of('_sum').length, 1, `${name}${labels}`)
  }
}
