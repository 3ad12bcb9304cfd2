import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api'
import type { Log } from '../observe/log.ts'

/**
 * Starts the official SDK, which reads the variables `OTEL_…` itself. What it finds out of the process stays out but for host and
 * operating system: arguments may hold passwords.
 *
 * @param says whether its troubles are said in the log: with `OTEL_LOG_LEVEL` the SDK says them itself
 * @returns how to end it, which sends what is left; null, with a warning, if it is not installed
 */
export async function startSdk(version: string, log: Log, says: boolean): Promise<(() => Promise<void>) | null> {
  const parts = await sdkParts()
  if (parts === null) {
    const missing =
      'Variables OTEL_… are set, and nothing is sent: npm install @opentelemetry/sdk-node @opentelemetry/resources'
    log.warn({ code: 'OTEL' }, missing)
    return null
  }
  const { NodeSDK, resources } = parts
  const { defaultResource, envDetector, hostDetector, osDetector, resourceFromAttributes } = resources
  const own = resourceFromAttributes({ 'service.name': 'cdc-relay', 'service.version': version })
  if (says) diag.setLogger(saidOnce(log), { logLevel: DiagLogLevel.WARN })
  const sdk = new NodeSDK({
    resource: defaultResource().merge(own),
    // Last, what the operator says of it.
    resourceDetectors: [hostDetector, osDetector, envDetector],
    // The log goes to standard error alone.
    logRecordProcessors: [],
    textMapPropagator: null,
  })
  sdk.start()
  log.info({ code: 'OTEL' }, 'Metrics and traces are sent as the variables OTEL_… say')
  let closed: Promise<void> | undefined
  return () => {
    closed ??= sdk.shutdown().catch(() => {}) // what it met is said
    return closed
  }
}

async function sdkParts() {
  try {
    const [{ NodeSDK }, resources] = await Promise.all([
      import('@opentelemetry/sdk-node'),
      import('@opentelemetry/resources'),
    ])
    return { NodeSDK, resources }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return null
    throw error
  }
}

/** Says in the log what the SDK meets, once each. */
function saidOnce(log: Log): DiagLogger {
  const said = new Set<string>()
  const say = (message: string): void => {
    const [, words = message] = /"message":"([^"]+)"/.exec(message) ?? []
    if (said.has(words)) return
    said.add(words)
    log.warn({ code: 'OTEL' }, `Metrics and traces may get lost: ${words}`)
  }
  return { error: say, warn: say, info() {}, debug() {}, verbose() {} }
}
