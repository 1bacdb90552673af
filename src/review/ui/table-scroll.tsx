import type { ComponentChildren } from 'preact';

/** A table that may be wider than the page. It can be scrolled with the keyboard too (WCAG 2.1.1). */
export function TableScroll({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without the focus no key scrolls it
    <section class="table-scroll" aria-label={name} tabIndex={0}>
      {children}
    </section>
  );
}
