/** Apart from what talks to the service, so that reading options loads no SDK. */
export const isTableName = (text: string): boolean => /^[a-zA-Z0-9_.-]{3,255}$/.test(text)
