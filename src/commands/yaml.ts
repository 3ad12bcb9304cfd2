/** In a module of ours: imported when it is needed, a package in CommonJS would have no names in the bundle of the program. */
export { parse } from 'yaml'
