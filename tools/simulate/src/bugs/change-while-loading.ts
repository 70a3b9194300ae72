/** Changes built files while this thread loads them. Must come before the first import of what is changed. */
import { changed, type SourceChange } from '@millrace/chaos/source-change';
import { registerHooks } from 'node:module';

const root = new URL('../../../../', import.meta.url);

export function changeWhileLoading(changes: readonly SourceChange[]): void {
  const byAddress = Map.groupBy(changes, ({ file }) => new URL(file, root).href);
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const wanted = byAddress.get(url);
      if (wanted === undefined || loaded.source === undefined || loaded.source === null) return loaded;
      const source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
      return { ...loaded, source: wanted.reduce(changed, source) };
    },
  });
}
