/** Schedules over HTTP and by the command line, against the whole system. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Schedule } from '@millrace/contracts';
import { TestSystem } from '../host/system.fixture.js';
import { type } from '../terminal/captured-terminal.fixture.js';

let system: TestSystem;
let editor: string;
beforeAll(async () => {
  system = await TestSystem.start();
  editor = await system.key('acme', 'editor');
}, 180_000);
afterAll(() => system[Symbol.asyncDispose]());

const spec = { graph: 'diamond', cron: '30 2 * * *', timeZone: 'Europe/Berlin' };

describe('/v1/schedules', () => {
  it('are created, listed, changed and deleted', async () => {
    const created = await system.call<Schedule>('/v1/schedules', editor, spec);
    expect(created).toMatchObject({
      status: 201,
      body: { ...spec, overlap: 'skip', catchUp: 'latest', paused: false },
    });
    const { id } = created.body;
    const client = system.client(editor);
    expect(await client.getSchedule(id)).toEqual(created.body);
    expect((await client.listSchedules()).items).toEqual([created.body]);
    const paused = await client.updateSchedule(id, { paused: true, overlap: 'queue' });
    expect(paused).toMatchObject({ ...spec, paused: true, overlap: 'queue', nextFireTimes: [] });
    await client.deleteSchedule(id);
    await expect(client.getSchedule(id)).rejects.toMatchObject({ code: 'unknown_schedule' });
  });

  it('are refused for others, and for what does not fit', async () => {
    const client = system.client(editor);
    const { id } = await client.createSchedule(spec);
    const stranger = system.client(await system.key('other', 'admin'));
    const viewer = system.client(await system.key('acme', 'viewer'));
    const unknown = { code: 'unknown_schedule' };
    await expect(stranger.getSchedule(id)).rejects.toMatchObject(unknown);
    await expect(stranger.updateSchedule(id, { paused: true })).rejects.toMatchObject(unknown);
    await expect(stranger.deleteSchedule(id)).rejects.toMatchObject(unknown);
    expect((await stranger.listSchedules()).items).toEqual([]);
    await expect(viewer.createSchedule(spec)).rejects.toMatchObject({ code: 'role_too_low' });
    await expect(viewer.deleteSchedule(id)).rejects.toMatchObject({ code: 'role_too_low' });
    for (const body of [{}, { ...spec, overlap: 'perhaps' }, { ...spec, more: 1 }, { ...spec, cron: 'x'.repeat(201) }])
      expect(await system.call('/v1/schedules', editor, body)).toMatchObject({
        status: 400,
        body: { code: 'invalid_body' },
      });
    expect(await system.call('/v1/schedules', editor, { ...spec, cron: '0 0 30 2 *' })).toMatchObject({
      status: 400,
      body: { code: 'invalid_schedule', errors: [{ pointer: '/cron', message: 'never fires' }] },
    });
    expect(await system.call('/v1/schedules?cursor=x', editor)).toMatchObject({ body: { code: 'invalid_cursor' } });
    await client.deleteSchedule(id);
  });
});

describe('millrace schedules', () => {
  it('creates, pauses, resumes and deletes', async () => {
    const environment = { MILLRACE_URL: system.url, MILLRACE_API_KEY: editor };
    const millrace = (...words: string[]) => type(['schedules', ...words], { folder: system.folder, environment });
    const made = await millrace('create', 'diamond', '--cron', '0 6 * * 1', '--time-zone', 'Europe/Berlin', '--json');
    const { id } = JSON.parse(made.out) as Schedule;
    expect((await millrace('pause', id)).out).toBe(`${id} runs diamond when it is resumed.\n`);
    expect((await millrace('list')).out).toContain('paused');
    expect((await millrace('resume', id)).out).toMatch(/runs diamond at \d{4}-/);
    expect((await millrace('delete', id)).out).toBe(`${id} is deleted.\n`);
    expect((await millrace('show', id)).error).toContain('unknown_schedule');
    expect((await millrace('create', 'diamond', '--cron', '0 0 31 2 *')).error).toContain('never fires');
  });
});
