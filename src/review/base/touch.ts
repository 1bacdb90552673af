/** Whether the device has no keyboard, as far as a browser tells: then no key is shown. `review.css` asks the same. */
export const hasKeys = (): boolean =>
  typeof matchMedia !== 'function' || !matchMedia('(hover: none) and (pointer: coarse)').matches;
