import { expect, test, vi } from 'vitest';
import { isFacebookUrl, withAttachments } from '../../src/messenger/assets/media-template.js';

test.each([
  ['https://www.facebook.com/page/photos/1', true],
  ['https://business.facebook.com/page/videos/1', true],
  ['https://FACEBOOK.com/1', true],
  ['https://fb.com/1', true],
  ['https://facebook.com.shop.example/1', false],
  ['https://notfacebook.com/1', false],
  ['https://shop.example/facebook.com', false],
  ['https://scontent.xx.fbcdn.net/a.png', false],
  ['facebook.com', false],
])("%s is Facebook's own: %s", (url, own) => {
  expect(isFacebookUrl(url)).toBe(own);
});

test('only media templates change, and what was given stays as it is', async () => {
  const resolve = vi.fn(() => Promise.resolve('9001'));
  const others = [
    { message: { text: 'https://shop.example/a.png' } },
    { message: { attachment: { type: 'image', payload: { url: 'https://shop.example/a.png' } } } },
    { message: { attachment: { type: 'template', payload: { template_type: 'media', elements: 'none' } } } },
    { message: { attachment: { type: 'template', payload: { template_type: 'media', elements: [null] } } } },
    { sender_action: 'typing_on' },
    { message: null },
  ];
  for (const payload of others) expect(await withAttachments(payload, resolve)).toBe(payload);
  expect(resolve).not.toHaveBeenCalled();

  const element = {
    media_type: 'video',
    url: 'https://shop.example/a.mp4',
    buttons: [{ type: 'account_unlink' }],
  };
  const payload = {
    tag: 'HUMAN_AGENT',
    message: {
      attachment: {
        type: 'template',
        payload: { template_type: 'media', elements: [element], sharable: true },
      },
      quick_replies: [{ content_type: 'user_email' }],
    },
  };
  const before = structuredClone(payload);
  expect(await withAttachments(payload, resolve)).toEqual({
    tag: 'HUMAN_AGENT',
    message: {
      attachment: {
        type: 'template',
        payload: {
          template_type: 'media',
          elements: [{ media_type: 'video', attachment_id: '9001', buttons: [{ type: 'account_unlink' }] }],
          sharable: true,
        },
      },
      quick_replies: [{ content_type: 'user_email' }],
    },
  });
  expect(resolve).toHaveBeenCalledWith({ type: 'video', url: 'https://shop.example/a.mp4' });
  expect(payload).toEqual(before);
});
