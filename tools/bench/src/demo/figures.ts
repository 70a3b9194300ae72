import type { DiamondFigures } from '../diamond.js';

export interface DemoFigures {
  readonly embedded: {
    readonly startMs: number;
    readonly startMiB: number;
    readonly ingest1000PagesMs: number;
    readonly afterIngestMiB: number;
    readonly contentRunMs: number;
    readonly diamond: DiamondFigures;
    readonly afterAllMiB: number;
  };
  readonly natsAndPostgres: {
    readonly startMs: number;
    /** By service, in MiB. */
    readonly memoryMiB: Readonly<Record<string, number>>;
    readonly diamond: DiamondFigures;
  };
}
