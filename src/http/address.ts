/** Where the process listens. */
export interface HttpAddress {
  /** A name or an address; of IPv6 without brackets. */
  readonly host: string
  /** 0: one that is free. */
  readonly port: number
}

/** What a port alone means: nobody but this machine. */
const LOOPBACK = '127.0.0.1'

/** `HOST:PORT`, `[IPV6]:PORT`, `:PORT` or `PORT`; null for anything else. */
export function httpAddress(text: string): HttpAddress | null {
  const [, bracketed, name, digits] = /^(?:(?:\[([\da-f:.]+)\]|([\w.-]*)):)?(\d{1,5})$/i.exec(text) ?? []
  const port = Number(digits ?? Number.NaN)
  if (!(port <= 65_535)) return null
  return { host: bracketed ?? (name || LOOPBACK), port }
}

/** As it stands in a URL. */
export const inUrl = ({ host, port }: HttpAddress): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

export const isLoopback = (host: string): boolean => /^(localhost|127(\.\d+){3}|::1)$/i.test(host)
