import { describe, expect, it } from '@jest/globals';
import { openApiDocument } from './openapi.js';
import { errorKindOfStatus, problemStatuses } from './problem.js';
import { routeList } from './routes.js';

describe('routes', () => {
  it('each have a name and an address of their own', () => {
    const names = routeList.map(({ name }) => name);
    const addresses = routeList.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(addresses).size).toBe(addresses.length);
  });

  it.each(routeList.map((route) => [route.name, route] as const))(
    '%s declares the parameters of its path',
    (_, route) => {
      const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(Object.keys(route.params.shape)).toEqual(inPath);
    },
  );

  it.each(routeList.map((route) => [route.name, route] as const))('%s refuses unknown query parameters', (_, route) => {
    expect(route.query.safeParse({ surprise: '1' }).success).toBe(false);
  });

  it('are open only where nothing of a tenant shows', () => {
    const open = routeList.filter(({ role }) => role === 'public').map(({ path }) => path);
    expect(open.sort()).toEqual(['/healthz', '/openapi.json', '/readyz']);
  });
});

describe('openApiDocument', () => {
  const document = openApiDocument() as unknown as {
    paths: Record<string, Record<string, { operationId: string; security?: unknown[] }>>;
    components: { schemas: Record<string, unknown> };
  };

  it('holds every route', () => {
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    expect(operations.map(({ operationId }) => operationId).sort()).toEqual(routeList.map(({ name }) => name).sort());
  });

  it('is the same every time', () => {
    expect(JSON.stringify(openApiDocument())).toBe(JSON.stringify(document));
  });

  it('points only at shapes that it holds, all of them named', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target ?? '');
    const targets = new Set(Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`));
    targets.add('#/components/responses/Problem');
    expect(references.filter((target) => !targets.has(target))).toEqual([]);
    expect(Object.keys(document.components.schemas).filter((name) => name.startsWith('__'))).toEqual([]);
  });
});

describe('problem statuses', () => {
  it('lead back to the kind of error that they came from', () => {
    for (const [kind, { status }] of Object.entries(problemStatuses)) expect(errorKindOfStatus(status)).toBe(kind);
  });

  it('give foreign statuses a kind too', () => {
    expect(errorKindOfStatus(502)).toBe('internal');
    expect(errorKindOfStatus(405)).toBe('invalid');
  });
});
