import type { ServerResponse } from 'node:http'

const MOST_CLIENTS = 30
/** A client that does not take what it is sent is let go. */
const MOST_UNSENT_BYTES = 4 * 1024 * 1024
const STATE_EVERY_MS = 1_000

/** What clients are sent, as they need it. */
export interface Sent {
  /** What a client knows nothing of, when it comes. */
  first(): object
  /** Once a second, one for all clients. */
  state(): object
}

/** Server-sent events: `first` when a client comes, `state` once a second, `point` when there is one. Nothing is made while nobody listens. */
export class Events {
  readonly #sent: Sent
  readonly #onFailure: (error: unknown) => void
  readonly #clients = new Set<ServerResponse>()
  #timer: NodeJS.Timeout | undefined

  /** @param onFailure called with what making a state threw: its clients get the next one */
  constructor(sent: Sent, onFailure: (error: unknown) => void) {
    this.#sent = sent
    this.#onFailure = onFailure
  }

  /** False if there are too many already. */
  join(response: ServerResponse): boolean {
    if (this.#clients.size >= MOST_CLIENTS) return false
    this.#clients.add(response)
    response.on('close', () => this.#leave(response))
    response.write(`retry: 2000\n\n${event('first', this.#sent.first())}${event('state', this.#sent.state())}`)
    this.#timer ??= setInterval(() => this.#sayState(), STATE_EVERY_MS)
    return true
  }

  point(point: object): void {
    if (this.#clients.size > 0) this.#say('point', point)
  }

  #sayState(): void {
    try {
      this.#say('state', this.#sent.state())
    } catch (error) {
      this.#onFailure(error)
    }
  }

  #say(name: string, data: object): void {
    const text = event(name, data)
    for (const client of this.#clients) {
      if (client.writableLength > MOST_UNSENT_BYTES) client.destroy()
      else client.write(text)
    }
  }

  #leave(response: ServerResponse): void {
    this.#clients.delete(response)
    if (this.#clients.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Twice is fine. */
  close(): void {
    for (const client of this.#clients) client.end()
  }
}

const event = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
