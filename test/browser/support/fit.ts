import type { Page } from 'playwright-core';

/**
 * The elements whose text does not fit: clipped, wider than their own box, or beyond the edge of the page. Not what can be
 * scrolled, and not what shortens the values of DICOM on purpose.
 */
export const misfits = (page: Page): Promise<string[]> => page.evaluate(script);

/** The controls that are too low for a finger. */
export const smallTargets = (page: Page): Promise<string[]> =>
  page.evaluate(`[...document.querySelectorAll('button, input:not([type=checkbox]), select, .tabs a, .top a')]
    .filter((each) => each.checkVisibility({ visibilityProperty: true }) && !each.classList.contains('skip') && each.getBoundingClientRect().height < 43.9)
    .map((each) => 'low: ' + each.outerHTML.slice(0, 120))`);

const script = `(() => {
  const shortened = '.tile-dicom, .who, .visually-hidden, .skip';
  const canvas = document.createElement('canvas').getContext('2d');
  const widthOf = (text, { font }) => { canvas.font = font; return canvas.measureText(text).width; };
  // Browsers do not lay out the content of tiles far below.
  const isRendered = (element) => [element, element.firstElementChild ?? element].every((each) => each.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }));
  const scrollers = '.tabs, .table-scroll, .stage-bar';
  const problemOf = (element) => {
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const inner = element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (element.placeholder && widthOf(element.placeholder, style) > inner) return 'placeholder clipped';
    if (element instanceof HTMLSelectElement && widthOf(element.selectedOptions[0]?.text ?? '', style) > inner) return 'choice clipped';
    if (element.matches(scrollers)) return undefined;
    if (element.closest(scrollers) === null && (box.right > innerWidth + 0.5 || box.left < -0.5)) return 'beyond the edge';
    if (style.display === 'inline' || element.textContent === '') return undefined;
    if (element.scrollWidth > element.clientWidth + 1) return 'wider than its box';
    if (/hidden|clip/.test(style.overflowY) && element.scrollHeight > element.clientHeight + 1) return 'taller than its box';
  };
  return [...document.querySelectorAll('#plainview *:not(svg *, option, optgroup)')]
    .filter((each) => isRendered(each) && each.closest(shortened) === null && each.closest('.layer') === null)
    .flatMap((each) => { const problem = problemOf(each); return problem === undefined ? [] : [problem + ': ' + each.outerHTML.slice(0, 140)]; });
})()`;
