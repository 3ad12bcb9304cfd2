import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startKinesisEndpoint } from '../support/kinesis/kinesis-endpoint.ts'
import { testDatabase } from '../support/postgres/postgres.ts'
import { runProgram } from '../support/processes/program.ts'
import { SOURCE } from '../support/processes/program-path.ts'

/** What has no part in a relay from Kinesis to PostgreSQL whose log is JSON. Entries and addresses are small, and needed to name mistakes. */
const NOT_NEEDED = [
  ...['@aws-sdk/client-dynamodb', '@electric-sql/pglite', '@grpc/grpc-js', 'fs-native-extensions'].map(ofPackage),
  ...['cli-table3', 'log-update', 'prom-client', 'yaml'].map(ofPackage),
  /^node_modules\/@opentelemetry\//,
  /^src\/(http\/(?!address)|otel\/)/,
  /^src\/sinks\/sql\/(cratedb|greenplum)\/(?!entry|address|tables\/names)/,
  /^src\/sinks\/sql\/postgresql\/pglite\.ts/,
  /^src\/sinks\/gpss\/(?!entry|address)/,
  /^src\/(check|ingest\/file)\/(?!entry)/,
  /^src\/state\/(file|file-lock|dynamodb|dynamodb-\w+)\.ts(?<!(entry|name)\.ts)/,
]

test('a relay from Kinesis to PostgreSQL loads nothing of other sources and sinks', async (t) => {
  const kinesis = await startKinesisEndpoint()
  t.after(() => kinesis.close())
  kinesis.open(1)
  const database = await testDatabase(t)
  const cwd = await mkdtemp(join(tmpdir(), 'cdc-relay-loaded-'))
  t.after(() => rm(cwd, { recursive: true }))

  const args = ['--source', kinesis.arn, '--endpoint-url', kinesis.url, '--sink', database.url, '--until-latest']
  const { code, stderr } = await runProgram(['run', ...args], {
    cwd,
    program: SOURCE,
    env: { NODE_OPTIONS: listsModules('loaded') },
  })
  assert.equal(code, 0, stderr)
  const top = new URL('../../', import.meta.url).href
  const loaded = (await readFile(join(cwd, 'loaded'), 'utf8')).split('\n').map((url) => url.replace(top, ''))

  assert.ok(loaded.includes('src/sinks/sql/postgresql/dialect.ts') && loaded.some((path) => ofPackage('pg').test(path)))
  assert.deepEqual(
    loaded.filter((path) => NOT_NEEDED.some((names) => names.test(path))),
    [],
  )
})

function ofPackage(name: string): RegExp {
  return new RegExp(`^node_modules/${name}/`)
}

/** Options for a Node.js that writes the URLs of the modules that it loads into a file, one a line. */
function listsModules(file: string): string {
  const hook = `
    import { appendFileSync } from 'node:fs'
    import { registerHooks } from 'node:module'
    registerHooks({
      load(url, context, next) {
        appendFileSync(${JSON.stringify(file)}, url + '\\n')
        return next(url, context)
      },
    })`
  return `--import=data:text/javascript,${encodeURIComponent(hook)}`
}
