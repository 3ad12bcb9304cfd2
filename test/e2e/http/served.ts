import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RelayProcess } from '../../support/processes/relay-process.ts'
import { type Family, readMetrics } from '../../support/prometheus-text.ts'

/** What a relay with `--http` serves. */
export interface Served {
  readonly url: string
  get(path: string, init?: RequestInit): Promise<Response>
  /** All metrics, read by the letter of the format. */
  metrics(): Promise<Metrics>
  /** The same once it is so. */
  metricsOnce(isSo: (metrics: Metrics) => boolean): Promise<Metrics>
}

export interface Metrics {
  readonly families: ReadonlyMap<string, Family>
  /** The value of the only sample with these labels; null if there is none. Without `cdc_relay_` in front. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | null
  /** Of all samples of a metric: labels, joined by a blank, → value. */
  all(name: string): Readonly<Record<string, number>>
}

/** Looks where the log of the relay says. @param relay that was started with `--http` */
export async function served(relay: RelayProcess): Promise<Served> {
  const url = await urlOf(relay)
  const get: Served['get'] = (path, init) => fetch(`${url}${path}`, init)
  const metrics = async () => {
    const response = await get('/metrics')
    assert.equal(response.status, 200)
    return metricsIn(readMetrics(await response.text()))
  }
  return {
    url,
    get,
    metrics,
    async metricsOnce(isSo) {
      for (let looks = 1; ; looks++) {
        const found = await metrics()
        if (isSo(found)) return found
        assert.ok(looks < MOST_LOOKS, `it does not come to that: ${JSON.stringify([...found.families.values()])}`)
        await sleep(50)
      }
    },
  }
}

/** Some minutes. */
const MOST_LOOKS = 2_000

function metricsIn(families: ReadonlyMap<string, Family>): Metrics {
  const samplesOf = (name: string) => families.get(`cdc_relay_${name}`)?.samples ?? []
  return {
    families,
    value(name, labels = {}) {
      const found = samplesOf(name).filter((sample) =>
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
      )
      assert.ok(found.length < 2, `${name} has several samples`)
      return found[0]?.value ?? null
    },
    all: (name) =>
      Object.fromEntries(
        samplesOf(name).map(({ labels: { relay: _, ...labels }, value }) => [Object.values(labels).join(' '), value]),
      ),
  }
}

function urlOf({ child, ended }: RelayProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    const onData = (chunk: Buffer) => {
      said += chunk
      const [, url] = /"url":"(http:[^"]+)"/.exec(said) ?? []
      if (url !== undefined) resolve(url)
    }
    child.stderr!.on('data', onData)
    ended.then(({ stderr }) => reject(new Error(`The relay ended: ${stderr}`)), reject)
  })
}
