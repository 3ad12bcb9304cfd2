/**
 * Hides passwords in a text: behind the user of a URL and behind `password=` whatever they are; known ones also elsewhere, if they
 * stand as a whole and nothing else is likely to read the same. Meant for values, before they become a line: a mask over the
 * finished line of JSON would hide a `p` in every name, and a `50` in every number.
 */
export function masker(secrets: readonly string[]): (text: string) => string {
  const known = [...new Set(secrets)].filter(isUnmistakable).map(wholeToken)
  return (text) => {
    let masked = text.replace(USER_INFO, (whole, scheme: string, userInfo: string) => {
      const colon = userInfo.indexOf(':')
      return colon < 0 ? whole : `${scheme}${userInfo.slice(0, colon)}:***@`
    })
    masked = masked.replace(PASSWORD_PARAMETER, '$1***')
    for (const secret of known) masked = masked.replace(secret, '***')
    return masked
  }
}

/** Up to the last `@` of the word, since a password that nobody escaped may hold one; but not over another URL. */
const USER_INFO = /([a-z][a-z0-9+.-]*:\/\/)((?:(?![a-z][a-z0-9+.-]*:\/\/)\S)*)@/gi
/** In a URL's query (`&password=`), and in the form of libpq (`password='…'`). */
const PASSWORD_PARAMETER = /(password\s*=\s*)('[^']*'|[^\s&;"']+)/gi

/** A short secret, a plain word or number may be a part of any text, or a name: it is masked in its places only. */
const isUnmistakable = (secret: string): boolean =>
  secret.length >= 12 || (secret.length >= 6 && !/^([a-z]+|\d+)$/i.test(secret))

function wholeToken(secret: string): RegExp {
  const before = /^\w/.test(secret) ? '(?<!\\w)' : ''
  const behind = /\w$/.test(secret) ? '(?!\\w)' : ''
  return new RegExp(`${before}${secret.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}${behind}`, 'g')
}

/** The same value with every text in it masked. Names and numbers stay. */
export function maskTexts<T>(value: T, mask: (text: string) => string): T
export function maskTexts(value: unknown, mask: (text: string) => string): unknown {
  if (typeof value === 'string') return mask(value)
  if (Array.isArray(value)) return value.map((element) => maskTexts(element, mask))
  if (!isPlainObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, maskTexts(member, mask)]))
}

const isPlainObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value))

/** A word of the command line that stands where none is expected: of `app:SECRET@host`, only the host. */
export const maskWord = (word: string): string => (word.includes('://') ? word : word.replace(/^.*@/s, '***@'))

/** True if a URL names a password, or a file with one. */
export function holdsPassword(url: string): boolean {
  const parsed = URL.parse(url)
  return (
    parsed !== null &&
    (parsed.password !== '' || parsed.searchParams.has('password') || parsed.searchParams.has('password-file'))
  )
}

/** The passwords that a URL holds, as written and decoded; not one that is also a name in it, which everything speaks of. */
export function secretsOf(url: string): string[] {
  if (!URL.canParse(url)) return []
  const { username, hostname, pathname, password, searchParams } = new URL(url)
  const names = [username, hostname, pathname.slice(1)].map(safelyDecoded)
  const found = [password, safelyDecoded(password), searchParams.get('password') ?? '']
  return found.filter((secret) => secret.length > 0 && !names.includes(secret))
}

function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // not percent-encoded: it stands as it is
  }
}

/** A word of the command line, for a message. The masks end at a blank, so it holds none. */
export const maskedWord = (word: string): string => masker([])(maskWord(word.replaceAll(/\s/g, '_')))
