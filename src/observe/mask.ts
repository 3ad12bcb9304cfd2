/** Hides passwords: in URLs by their place, and known ones wherever they stand. */
export function masker(secrets: readonly string[]): (text: string) => string {
  const known = secrets.filter((secret) => secret.length > 0)
  return (text) => {
    let masked = text.replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:@/]*):[^\s@]*@/gi, '$1:***@')
    masked = masked.replace(/([?&]password=)[^\s&"']*/gi, '$1***')
    for (const secret of known) masked = masked.replaceAll(secret, '***')
    return masked
  }
}

/** The passwords that a URL holds, as written and decoded. */
export function secretsOf(url: string): string[] {
  if (!URL.canParse(url)) return []
  const { password, searchParams } = new URL(url)
  const found = [password, safelyDecoded(password), searchParams.get('password') ?? '']
  return found.filter((secret) => secret.length > 0)
}

function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // not percent-encoded: it stands as it is
  }
}
