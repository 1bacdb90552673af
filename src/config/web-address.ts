import { z } from 'zod';

/** Logged and shown, so there must be no password in it. */
export const webAddress = z
  .url({ protocol: /^https?$/, error: 'must be a web address (http://… or https://…)' })
  .refine(
    (url) => !/^\w+:\/\/[^/]*@/.test(url),
    'must hold no user or password: they have options of their own',
  );

/** What comes from there is trusted, so nobody on the way may change it. */
export const secureAddress = webAddress.refine(
  (url) => /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$))/i.test(url),
  'must begin with https:// (http:// is allowed for this machine itself)',
);
