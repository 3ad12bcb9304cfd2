/** A relay's name as the beginning of a file's name. */
export const fileNameOf = (relay: string): string => relay.replaceAll(/[^A-Za-z0-9._-]/g, '_')
