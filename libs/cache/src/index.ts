export type { Cache, CacheKey } from './cache.js';
export { openCache, type CacheOptions } from './open-cache.js';
