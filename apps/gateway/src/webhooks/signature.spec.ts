import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createHmac } from 'node:crypto';
import { newWebhookSecret, signatureHeaders } from './signature.js';

describe('signatures of webhooks', () => {
  it('are those of the example in Standard Webhooks', () => {
    const message = {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      sentAt: new Date(1_614_265_330_987),
      body: '{"test": 2432232314}',
    };
    expect(signatureHeaders(message, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('are one for each secret, over the body to the letter', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 3 }), (body, count) => {
        const secrets = Array.from({ length: count }, newWebhookSecret);
        const headers = signatureHeaders({ id: 'msg_1', sentAt: new Date(0), body }, secrets);
        const expected = secrets.map((secret) => {
          const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
          return `v1,${createHmac('sha256', key)
            .update(Buffer.from(`msg_1.0.${body}`))
            .digest('base64')}`;
        });
        expect(headers['webhook-signature']?.split(' ')).toEqual(expected);
      }),
    );
  });

  it('come from secrets of 32 random bytes', () => {
    const secret = newWebhookSecret();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(newWebhookSecret()).not.toBe(secret);
  });
});
