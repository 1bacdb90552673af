import { z } from 'zod';

/** Logged and shown, so there must be no password in it. */
export const webAddress = z
  .url({ protocol: /^https?$/, error: 'must be a web address (http://… or https://…)' })
  .refine(
    (url) => !/^\w+:\/\/[^/]*@/.test(url),
    'must hold no user or password: they have options of their own',
  );

/** At least one, separated by commas or blanks. */
export const webAddresses = z
  .string()
  .transform((text) => text.split(/[\s,]+/).filter((item) => item !== ''))
  .refine((items) => items.length > 0, 'must name at least one web address')
  .pipe(z.tuple([webAddress], webAddress));

/** What comes from there is trusted, so nobody on the way may change it. */
export const secureAddress = webAddress.refine(
  (url) => /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$))/i.test(url),
  'must begin with https:// (http:// is allowed for this machine itself)',
);
