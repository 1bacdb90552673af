import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { shipped } from '../../src/files/places.js';
import { waitFor } from '../../testkit/orthanc.js';
import { faults } from './support/axe.js';
import { hasBrowser } from './support/browser.js';
import { misfits } from './support/fit.js';
import { useReviewPage } from './support/review-page.js';

test('the page’s JavaScript is under 150 kB compressed, its own aim of 55 kB too', async () => {
  const page = await readFile(shipped('dist', 'review', 'index.html'), 'utf8');
  const names = page.match(/(?<=")review[\w-]*\.js(?=")/g) ?? [];
  const files = names.map((name) => readFile(shipped('dist', 'review', name)));
  const sizes = (await Promise.all(files)).map((script) => gzipSync(script).length);
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(55_000);
});

describe.skipIf(!hasBrowser)('the review page', () => {
  const review = useReviewPage();
  const { pages, open } = review;

  const nth = (n: number) => {
    const entry = review.service.entries[n];
    if (entry === undefined) throw new Error(`there is no entry ${n}`);
    return entry;
  };
  /** The worklist's n-th that needs review. */
  const unsure = (n: number) =>
    review.service.entries.filter(({ decision }) => decision === 'needs_review')[n] ?? nth(0);
  const openInstance = async (n: number, options = {}) => {
    const page = await open(`#/instance/${nth(n).instance}`, options);
    await page.locator('img.radiograph[data-loaded]').waitFor();
    return page;
  };
  const said = (page: Page, words: string | RegExp) => page.locator('.notices').getByText(words).waitFor();

  test('the list shows what needs review, loads its end when one comes there, and narrows by search', async () => {
    const page = await open();
    await page.locator('a.tile').nth(29).waitFor();
    expect(await page.locator('a.tile').count()).toBe(30);
    // Pictures far below are not fetched.
    expect(await page.locator('a.tile img').count()).toBeLessThan(30);
    await page.getByRole('link', { name: /Recent/ }).click();
    await page.locator('a.tile').nth(47).waitFor();
    await page.evaluate(`document.querySelector('main').scrollTo(0, 1e6)`);
    await page.locator('a.tile').nth(59).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('hand dv');
    await page.keyboard.press('Enter');
    await page.getByText('15 pictures').waitFor();
    expect(page.url()).toContain('text=hand+dv');
  });

  test('an address that contains a login works like one without', async () => {
    const address = new URL(review.service.url);
    address.username = 'doctor';
    address.password = 'word';
    const page = await pages.open(`${address.href}review/`);
    await page.locator('a.tile').nth(29).waitFor();
  });

  test('pages that find nothing do not end the list, and each is asked for once', async () => {
    nth(59).dicom.protocolName = 'late';
    const page = await open('#/dashboard');
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/worklist?')) asked.push(request.url());
    });
    await page.evaluate(`location.hash = '#/?state=recent&text=late'`);
    await page.getByText('1 picture').waitFor();
    expect(asked).toHaveLength(6);
  });

  test('with the keyboard alone: confirm, correct by typing, take the second best, undo', async () => {
    const page = await open();
    const [first, second, third] = [unsure(0), unsure(1), unsure(2)];
    await page.locator('a.tile').first().waitFor();
    await page.keyboard.press('s');
    await page.locator('img.radiograph[data-loaded]').waitFor();
    await page.keyboard.press('Enter');
    await said(page, 'Confirmed: Chest PA/AP.');
    await page.waitForURL(`**/#/instance/${second.instance}`);
    await page.locator('img.radiograph[data-loaded]').waitFor();
    await page.keyboard.press('e');
    await page.keyboard.type('pat ax');
    await page.keyboard.press('Enter');
    await said(page, 'Corrected: Patella axial.');
    await page.waitForURL(`**/#/instance/${third.instance}`);
    await page.locator('img.radiograph[data-loaded]').waitFor();
    await page.keyboard.press('2');
    await said(page, 'Corrected: Abdomen AP.');
    expect(review.service.asked).toEqual([
      `POST instances/${first.instance}/confirmation {"of":"${first.when}"}`,
      `PUT instances/${second.instance}/decision {"category":"patella_axial","of":"${second.when}"}`,
      `PUT instances/${third.instance}/decision {"category":"abdomen_ap","of":"${third.when}"}`,
    ]);
    await page.keyboard.press('u');
    await said(page, /^Undone/);
    await page.waitForURL(`**/#/instance/${third.instance}`);
    expect(review.service.entries.find(({ instance }) => instance === third.instance)?.who).toBe('network');
    await page.keyboard.press('Escape');
    await page.locator('a.tile.by-person').nth(1).waitFor();
    expect(await page.locator('a.tile.by-person').count()).toBe(2);
  });

  test('what differs from the order is answered by a key, leaves the list, and is found under Done', async () => {
    const [entry, { order }] = [nth(2), nth(4)];
    if (order === undefined) throw new Error('the entry has no order');
    review.service.entries[2] = { ...entry, order, open: ['order_mismatch'] };
    const page = await openInstance(2);
    await page.getByRole('heading', { name: 'Differs from the order' }).waitFor();
    await page.getByLabel('A word why').fill('wrong room');
    await page.locator('.stage').focus();
    await page.keyboard.press('o');
    await said(page, 'Noted: the order is wrong.');
    expect(review.service.asked).toEqual([
      `POST instances/${entry.instance}/acknowledgement {"answer":"order_wrong","why":"wrong room","of":"${entry.when}"}`,
    ]);
    // Enter on what is decided says so, and goes on.
    await page.evaluate(`location.hash = '#/instance/${entry.instance}'`);
    await page.getByText('Picture right, order wrong. alice').waitFor();
    await page.locator('img.radiograph[data-loaded]').waitFor();
    await page.keyboard.press('Enter');
    await said(page, /Decided already by alice/);
    expect(review.service.asked).toHaveLength(1);
    await page.keyboard.press('Escape');
    await page.locator('a.tile').first().waitFor();
    await page.keyboard.press('6');
    await page.waitForURL(/state=settled_by_person/);
    await page.locator(`a.tile[href="#/instance/${entry.instance}"]`).waitFor();
    expect(await page.locator('a.tile').count()).toBe(1);
    await page.keyboard.press('s');
    await said(page, 'Nothing here is open');
    // Where the order has changed since, what it says now is not called a difference.
    const agrees = { ...order, answer: 'agrees', bodyPart: { ...order.bodyPart, answer: 'agrees' } } as const;
    review.service.entries[2] = { ...nth(2), order: agrees };
    await page.evaluate(`location.hash = '#/instance/${entry.instance}'`);
    await page.getByRole('heading', { name: 'Differed from the order' }).waitFor();
    review.service.entries[2] = { ...nth(2), order };
    // What narrows this list alone does not stay where nobody sees it.
    await page.evaluate(`location.hash = '#/?state=settled_by_person&said=order_wrong&text=nothing'`);
    await page.getByText('Nothing here.').waitFor();
    await page.keyboard.press('1');
    await page.waitForURL(/state=needs_review/);
    expect(page.url()).toContain('text=nothing');
    expect(page.url()).not.toContain('said');
  });

  test('where the order is right, P leads to the correction, which answers it', async () => {
    const [entry, { order }] = [nth(2), nth(4)];
    if (order === undefined) throw new Error('the entry has no order');
    review.service.entries[2] = { ...entry, order, open: ['order_mismatch'] };
    const page = await openInstance(2);
    await page.keyboard.press('p');
    await page.getByText('The order is right: choose what the picture shows.').waitFor();
    await page.keyboard.type('should');
    await page.keyboard.press('Enter');
    await said(page, 'Noted and corrected');
    expect(review.service.asked[0]).toContain('"answer":"category_wrong","category":"shoulder_');
  });

  test('filters apply while they are typed; what is invalid is marked and stays', async () => {
    const page = await open('#/?state=recent&minScore=2');
    await page.getByLabel('Score from').waitFor();
    expect(await page.getByLabel('Score from').inputValue()).toBe('2');
    const invalid = page.locator('input[aria-invalid=true]');
    expect(await invalid.getAttribute('id')).toBe('filter-minScore');
    await page.getByLabel('Score from').fill('0,6');
    await page.waitForURL(/minScore=0\.6/);
    expect(await invalid.count()).toBe(0);
    await page.getByLabel('Score to').fill('0.5');
    await page.getByText('A number from 0 to 1, at least the lower limit').waitFor();
    expect(await page.getByLabel('Score to').inputValue()).toBe('0.5');
    expect(page.url()).not.toContain('maxScore');
    // It applies as soon as it can, beside the other filter too.
    await page.getByLabel('Score from').fill('0.4');
    await page.waitForURL(/minScore=0\.4.*maxScore=0\.5|maxScore=0\.5.*minScore=0\.4/);
    expect(await invalid.count()).toBe(0);
    await page.getByLabel('Study from').pressSequentially('02');
    await page.locator('#search').focus();
    await page.getByText('The day is not complete').waitFor();
    expect(await invalid.getAttribute('id')).toBe('filter-from');
    // "Clear" takes away what is not applied too.
    await page.getByLabel('Score to').fill('0.3');
    await page.getByText('A number from 0 to 1, at least the lower limit').waitFor();
    await page.getByRole('link', { name: 'Clear' }).click();
    await expect.poll(() => page.getByLabel('Score to').inputValue()).toBe('');
    expect(await invalid.count()).toBe(0);
    const asked = review.service.lists.length;
    await page.locator('#search').pressSequentially('hand', { delay: 5 });
    await page.waitForURL(/text=hand/);
    await waitFor(() => review.service.lists.length > asked);
    // One search for the word, not one for each letter; a page of it may be followed by others.
    const words = review.service.lists.slice(asked).map((query) => new URLSearchParams(query).get('text'));
    expect(new Set(words)).toEqual(new Set(['hand']));
    expect(await page.locator('#search').inputValue()).toBe('hand');
    expect(page.url()).not.toContain('Score');
  });

  test('a Patient ID finds the patient, and is in no address; a viewer has no such field', async () => {
    const page = await open();
    const addresses: string[] = [];
    page.on('request', (request) => addresses.push(request.url()));
    await page.getByRole('button', { name: 'Filters' }).click();
    await page.getByLabel('Patient ID').fill('P-*');
    await page.keyboard.press('Enter');
    await page.getByText('The whole ID, without *').waitFor();
    expect(review.service.asked).toEqual([]);
    await page.getByLabel('Patient ID').fill('P-1');
    await page.keyboard.press('Enter');
    await page.getByText('The pictures of the patient that you searched for.').waitFor();
    await page.locator('a.tile').nth(1).waitFor();
    expect(await page.locator('a.tile').count()).toBe(2);
    expect([...addresses, page.url()].join()).not.toContain('P-1');
    expect(review.service.asked).toEqual(['POST worklist/patient {"patientId":"P-1"}']);
    review.service.me = { ...review.service.me, role: 'viewer' };
    const other = await open('#/?category=hand_ap');
    await other.getByLabel('Score from').waitFor();
    expect(await other.getByLabel('Patient ID').count()).toBe(0);
  });

  test('U says where there is nothing to undo; the list too has the key', async () => {
    const page = await open();
    await page.locator('a.tile').first().waitFor();
    await page.keyboard.press('u');
    await said(page, 'There is nothing to undo.');
  });

  test('a telephone shows the picture large in landscape, more lists in portrait, and no keys', async () => {
    const phone = { isMobile: true, hasTouch: true, viewport: { width: 844, height: 390 } };
    const page = await openInstance(0, phone);
    const picture = await page.locator('img.radiograph').boundingBox();
    expect(picture?.height).toBeGreaterThan(320);
    expect(await page.locator('kbd:visible').count()).toBe(0);
    await page.getByRole('button', { name: 'It is Chest PA/AP', exact: true }).tap();
    await said(page, /^Confirmed: Chest PA\/AP\.$/);
    await page.setViewportSize({ width: 390, height: 844 });
    await page.getByRole('link', { name: '‹ List' }).tap();
    const tabs = page.locator('nav.tabs');
    await tabs.waitFor();
    const hidden = await tabs.evaluate((nav) => nav.scrollWidth - nav.clientWidth);
    expect(hidden).toBeGreaterThan(0);
    const shadows = `getComputedStyle(document.querySelector('nav.tabs')).backgroundAttachment`;
    expect(await page.evaluate(shadows)).toContain('scroll');
    expect(await page.locator('kbd:visible').count()).toBe(0);
    const german = await openInstance(0, { ...phone, locale: 'de-DE' });
    expect(await misfits(german)).toEqual([]);
    await german.setViewportSize({ width: 360, height: 640 });
    await expect
      .poll(async () => (await german.locator('.stage').boundingBox())?.height)
      .toBeGreaterThan(220);
    expect(await misfits(german)).toEqual([]);
  });

  test('a picture opens in the viewers of the site', async () => {
    review.service.status.viewers = [
      {
        name: 'OHIF',
        url: 'https://pacs.example/viewer?StudyInstanceUIDs={StudyInstanceUID}&first={instance}',
      },
    ];
    const page = await openInstance(3);
    const link = page.getByRole('link', { name: 'OHIF' });
    expect(await link.getAttribute('href')).toBe(
      `https://pacs.example/viewer?StudyInstanceUIDs=2.25.3&first=${nth(3).instance}`,
    );
    expect(await link.getAttribute('rel')).toBe('noreferrer');
  });

  test('“none of these” is at the end of the list, and has a key of its own', async () => {
    const page = await openInstance(0);
    await page.keyboard.press('e');
    await page.keyboard.type('no such thing');
    await page.getByRole('option', { name: 'None of these' }).waitFor();
    await page.keyboard.press('Enter');
    await said(page, 'Corrected: none of these.');
    expect(review.service.asked).toHaveLength(1);
    expect(review.service.asked[0]).toContain('"category":null');
  });

  test('a view that the network does not know is found by typing alone, in any language, under its body part', async () => {
    const first = nth(0);
    const page = await openInstance(0);
    await page.keyboard.press('e');
    await page.getByRole('option').first().waitFor();
    expect(await page.getByRole('group', { name: /does not know/ }).count()).toBe(0);
    await page.keyboard.type('Ferse');
    const group = page.getByRole('group', { name: 'Calcaneus · the network does not know these yet' });
    expect(await group.getByRole('option').allTextContents()).toEqual([
      'Calcaneus lateral',
      'Calcaneus axial',
    ]);
    await page.keyboard.press('ArrowDown');
    await page.getByRole('option', { name: 'Calcaneus axial', selected: true }).waitFor();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await said(page, 'Corrected: Calcaneus lateral.');
    expect(review.service.asked).toEqual([
      `PUT instances/${first.instance}/decision {"category":"calcaneus_lateral","of":"${first.when}"}`,
    ]);
  });

  test('a key held down, or pressed before the picture is there, decides nothing', async () => {
    const first = nth(0);
    await openInstance(0).then(async (page) => {
      await page.keyboard.down('y');
      await page.keyboard.down('y');
      await page.keyboard.down('y');
      await page.keyboard.up('y');
      await said(page, 'Confirmed');
      expect(review.service.asked).toHaveLength(1);
    });
    review.service.asked.length = 0;
    review.service.troubles.set(`GET instances/${nth(4).instance}/picture`, {
      status: 429,
      code: 'busy',
      title: 'busy',
    });
    const page = await open(`#/instance/${nth(4).instance}`);
    await page.getByRole('button', { name: /It is/ }).first().waitFor();
    await page.keyboard.press('y');
    review.service.troubles.clear();
    await page.locator('img.radiograph[data-loaded]').waitFor();
    expect(review.service.asked).toEqual([]);
    expect(first.who).toBe('network');
  });

  test('a decision that somebody else has changed meanwhile is shown, and nothing is overruled', async () => {
    const page = await openInstance(0);
    const { when, ...entry } = nth(0);
    review.service.entries[0] = {
      ...entry,
      when: '2026-01-20T10:00:00.000Z',
      who: 'person',
      decision: 'category',
      category: 'abdomen_ap',
      person: { who: 'bob', when, action: 'correct' },
    };
    await page.keyboard.press('y');
    await page.getByRole('alert').getByText('has changed meanwhile').waitFor();
    await page.getByRole('heading', { level: 1, name: 'Abdomen AP' }).waitFor();
    expect(review.service.entries[0].person?.who).toBe('bob');
  });

  test('a viewer gets no controls and is told why; keys do nothing', async () => {
    review.service.me = { who: 'victor', role: 'viewer', how: 'orthanc' };
    const page = await openInstance(0);
    await page.getByText(/You \(victor\) can only view/).waitFor();
    for (const key of ['y', 'Enter', '1', 'n', 'e', 'u']) await page.keyboard.press(key);
    expect(await page.getByRole('combobox').count()).toBe(0);
    expect(review.service.asked).toEqual([]);
  });

  test('a role taken away meanwhile is said in the service’s words', async () => {
    const page = await openInstance(0);
    review.service.me = { ...review.service.me, role: 'viewer' };
    await page.keyboard.press('y');
    await page.getByRole('alert').getByText('This needs the role reviewer').waitFor();
  });

  test('at the service itself a token is asked for, refused, kept for the tab, and sent', async () => {
    review.service.token = 'pv_right';
    const page = await open(`#/instance/${nth(0).instance}`);
    const field = page.getByLabel('Token');
    // What nobody can see has no keys yet.
    await page.getByRole('heading', { name: 'Plainview' }).click();
    for (const key of ['g', '?']) await page.keyboard.press(key);
    expect(page.url()).toContain('#/instance/');
    await field.fill('pv_wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('does not know this token').waitFor();
    await field.fill('pv_right');
    await page.keyboard.press('Enter');
    await page.locator('img.radiograph[data-loaded]').waitFor();
    await page.reload();
    await page.locator('img.radiograph[data-loaded]').waitFor();
    expect(page.url()).not.toContain('pv_');
  });

  test('a service that goes away is said, and found again when it is back', async () => {
    review.service.streams = false;
    const page = await openInstance(0);
    review.service.troubles.set('', 'cut');
    await page.keyboard.press('y');
    await page.getByRole('alert').getByText('The service does not answer').waitFor();
    await page.locator('.live').getByText('Service does not answer').waitFor();
    review.service.troubles.clear();
    await page.locator('.live').getByText('Up to date').waitFor();
    await page.keyboard.press('y');
    await said(page, 'Confirmed');
  });

  test('Orthanc away is said where the picture would be', async () => {
    const words = 'Orthanc does not answer. Work waits.';
    review.service.troubles.set('GET instances/', { status: 503, code: 'orthanc_away', title: words });
    const page = await open(`#/instance/${nth(0).instance}`);
    await page.getByRole('alert').getByText(words).waitFor();
    review.service.troubles.clear();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('img.radiograph[data-loaded]').waitFor();
  });

  test('what is decided elsewhere is told at once, by an event', async () => {
    const page = await open('#/?state=recent');
    await page.locator('a.tile').first().waitFor();
    await waitFor(() => review.service.followers() === 1, { what: 'a follower' });
    const { study } = nth(0);
    const when = '2026-01-20T11:00:00.000Z';
    review.service.emit('decided', {
      instance: 'new',
      study,
      decision: 'category',
      category: 'knee_ap',
      who: 'network',
      when,
    });
    await page.getByRole('button', { name: '1 new – show' }).waitFor();
    review.service.entries[0] = { ...nth(0), decision: 'category', category: 'abdomen_ap', when };
    review.service.emit('decided', {
      instance: nth(0).instance,
      study,
      decision: 'category',
      who: 'network',
      when,
    });
    await page.locator('a.tile').first().getByText('Abdomen AP').waitFor();
    review.service.emit('status', { ...review.service.status, orthanc: { up: false } });
    await page.locator('.live').getByText('Orthanc does not answer').waitFor();
  });

  test('the map of what decided lies over the picture, fades by the slider and goes with its key', async () => {
    const page = await openInstance(0);
    await page.keyboard.press('a');
    const map = page.locator('canvas.map[data-drawn="chest_pa_ap"]');
    await map.waitFor();
    const [over, under] = [await map.boundingBox(), await page.locator('img.radiograph').boundingBox()];
    expect(over).toEqual(under);
    await page.getByRole('slider').fill('0.3');
    await expect.poll(() => page.evaluate(`document.querySelector('canvas.map').style.opacity`)).toBe('0.3');
    await page.getByRole('button', { name: 'Abdomen AP 0.27' }).click();
    await page.locator('canvas.map[data-drawn="abdomen_ap"]').waitFor();
    await page.keyboard.press('a');
    await expect.poll(() => page.locator('canvas.map').count()).toBe(0);
  });

  test('a picture that is not upright is turned, which is said and undone; a key turns it further', async () => {
    const entry = nth(0);
    Object.assign(entry, { orientation: { turned: 90 } });
    const page = await openInstance(0);
    const shownAt = (turn: number) => page.locator(`.layer[data-turn="${turn}"]`).waitFor();
    await shownAt(90);
    const note = page.getByRole('status').filter({ hasText: 'Turned clockwise by 90°' });
    await note.waitFor();
    // The whole picture is on the stage, also turned.
    const [picture, stage] = [
      await page.locator('img.radiograph').boundingBox(),
      await page.locator('.stage').boundingBox(),
    ];
    expect(picture?.height).toBeLessThanOrEqual((stage?.height ?? 0) + 1);
    expect(picture?.width).toBeLessThanOrEqual((stage?.width ?? 0) + 1);
    expect(await faults(page)).toEqual([]);
    await page.getByRole('button', { name: 'Show as stored' }).click();
    await shownAt(0);
    await expect.poll(() => note.count()).toBe(0);
    await page.keyboard.press('t');
    await shownAt(90);
    await page.getByRole('button', { name: 'Turn', exact: true }).click();
    await shownAt(180);
    await page.keyboard.press('0');
    await shownAt(90);
    await note.waitFor();
    Object.assign(entry, { orientation: undefined });
  });

  test('a mirrored chest is told, and shown in a mirror only where a person wants it', async () => {
    const entry = nth(0);
    Object.assign(entry, { orientation: { turned: 0, mirrored: true } });
    const page = await openInstance(0);
    await page.getByRole('status').filter({ hasText: 'this chest is mirrored' }).waitFor();
    const button = page.getByRole('button', { name: 'Mirror', exact: true });
    /** The sign of the scale from left to right. */
    const isMirrored = () =>
      page.evaluate<boolean>(
        `new DOMMatrix(getComputedStyle(document.querySelector('.layer')).transform).a < 0`,
      );
    expect(await isMirrored()).toBe(false);
    expect(await faults(page)).toEqual([]);
    await button.click();
    await expect.poll(isMirrored).toBe(true);
    expect(await button.getAttribute('aria-pressed')).toBe('true');
    await page.keyboard.press('h');
    await expect.poll(isMirrored).toBe(false);
    await page.keyboard.press('h');
    await page.keyboard.press('0');
    await expect.poll(isMirrored).toBe(false);
    Object.assign(entry, { orientation: undefined });
  });

  test('a picture in the mirror is turned clockwise too, and shown as stored where that is wanted', async () => {
    const entry = nth(0);
    Object.assign(entry, { orientation: { turned: 90, mirrored: true } });
    const page = await openInstance(0);
    /** Where the upper edge of the stored picture is on the screen: to the right, below, … */
    const upperEdge = () =>
      page.evaluate<string>(`(() => {
        const { c, d } = new DOMMatrix(getComputedStyle(document.querySelector('.layer')).transform);
        return Math.abs(c) > Math.abs(d) ? (c < 0 ? 'right' : 'left') : d < 0 ? 'below' : 'above';
      })()`);
    await expect.poll(upperEdge).toBe('right');
    await page.keyboard.press('h');
    await expect.poll(upperEdge).toBe('left');
    await page.keyboard.press('t');
    await expect.poll(upperEdge).toBe('above');
    await page.keyboard.press('0');
    await page.keyboard.press('h');
    await page.getByRole('button', { name: 'Show as stored' }).click();
    await expect.poll(upperEdge).toBe('above');
    expect(await page.getByRole('button', { name: 'Mirror', exact: true }).getAttribute('aria-pressed')).toBe(
      'false',
    );
    Object.assign(entry, { orientation: undefined });
  });

  test('a person says that a picture which the network calls mirrored is right as it is shown, and takes it back', async () => {
    const entry = nth(0);
    const told = {
      decision: 'category',
      category: 'chest_pa_ap',
      orientation: { turned: 90, mirrored: true },
    };
    Object.assign(entry, told);
    const page = await openInstance(0);
    const question = page.getByRole('button', { name: /^It is right this way/ });
    await question.waitFor();
    // Shown as the network says, there is nothing to ask.
    await page.keyboard.press('h');
    await expect.poll(() => question.count()).toBe(0);
    await page.getByRole('button', { name: 'Show as stored' }).click();
    await question.waitFor();
    expect(await faults(page)).toEqual([]);
    await question.click();
    await said(page, 'Noted which way up the picture is, and confirmed: Chest PA/AP.');
    expect(review.service.asked).toEqual([
      `PUT instances/${entry.instance}/orientation {"turned":0,"mirrored":false,"of":"${entry.when}"}`,
    ]);
    await page.evaluate(`location.hash = '#/instance/${entry.instance}'`);
    await page.locator('.layer[data-turn="0"]').waitFor();
    await page.locator('img.radiograph[data-loaded]').waitFor();
    expect(await page.getByText('is mirrored').count()).toBe(0);
    await page.keyboard.press('t');
    await page.getByText('Is the picture right as it is shown now?').waitFor();
    await page.keyboard.press('f');
    await page.waitForURL((url) => !url.href.endsWith(entry.instance));
    expect(review.service.asked[1]).toContain('{"turned":90,"mirrored":false,');
    await page.evaluate(`location.hash = '#/instance/${entry.instance}'`);
    await page.getByText('Turned clockwise by 90°: alice says that it is upright then.').waitFor();
    await page.keyboard.press('u');
    await page.getByText('The network says that this chest is mirrored').waitFor();
  });

  test('on a telephone the tools do not hide that a chest is mirrored', async () => {
    const entry = nth(0);
    Object.assign(entry, { orientation: { turned: 90, mirrored: true } });
    const page = await openInstance(0, {
      isMobile: true,
      hasTouch: true,
      viewport: { width: 844, height: 390 },
    });
    const note = page.getByRole('status').filter({ hasText: 'this chest is mirrored' });
    const box = await note.boundingBox();
    const tools = await page.getByRole('toolbar').boundingBox();
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(tools?.y ?? 0);
    await page.getByRole('button', { name: 'Show as stored' }).tap();
    await page.locator('.layer[data-turn="0"]').waitFor();
    Object.assign(entry, { orientation: undefined });
  });

  test('the facts name the marker on the film, and the network of a cascade that decided', async () => {
    const entry = nth(0);
    const cascade = ['regions', 'knees'].map((name, i) => ({
      network: { name, sha256: `${i}`.repeat(64) },
      top: [],
    }));
    Object.assign(entry, { side: { marked: 'L', score: 0.99 }, cascade });
    const page = await openInstance(0);
    const fact = (name: string) =>
      page.locator('.pairs > div', { hasText: name }).locator('dd').textContent();
    expect(await fact('Marker on the film')).toBe('left');
    expect(await fact('Deciding network')).toBe('knees 11111111');
    Object.assign(entry, { side: undefined, cascade: undefined });
  });

  test('a drag windows the picture, which Orthanc then renders anew; wheel and keys zoom, two fingers too', async () => {
    const page = await openInstance(0, { hasTouch: true });
    const stage = page.locator('.stage');
    const box = await stage.boundingBox();
    if (box === null) throw new Error('the stage has no size');
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const rendered = page.waitForRequest(/picture\?.*center=.*window=/);
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x - 100, y + 50, { steps: 4 });
    await page.mouse.up();
    const asked = new URL((await rendered).url()).searchParams;
    expect(Number(asked.get('window'))).toBeLessThan(4096);
    expect(Number(asked.get('center'))).toBeGreaterThan(2048);

    const width = async () => (await page.locator('.layer').boundingBox())?.width ?? 0;
    const fit = await width();
    await page.mouse.wheel(0, -400);
    await expect.poll(width).toBeCloseTo(fit * 2, 0);
    await page.keyboard.press('0');
    await expect.poll(width).toBeCloseTo(fit, 0);
    await page.keyboard.press('+');
    await expect.poll(width).toBeCloseTo(fit * 1.4, 0);
    const left = async () => (await page.locator('.layer').boundingBox())?.x ?? 0;
    const before = await left();
    await page.keyboard.press('ArrowRight');
    await expect.poll(left).toBeLessThan(before);
    await page.keyboard.press('0');

    await page.mouse.move(x, y);
    await page.mouse.down({ button: 'right' });
    await page.mouse.move(x, y - 120, { steps: 4 });
    await page.mouse.up({ button: 'right' });
    await expect.poll(width).toBeCloseTo(fit * 2, 0);
    await page.keyboard.press('0');

    const touch = await page.context().newCDPSession(page);
    const fingers = (apart: number) => [
      { x: x - apart, y, id: 1 },
      { x: x + apart, y, id: 2 },
    ];
    await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: fingers(40) });
    for (const apart of [60, 80, 100, 120])
      await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: fingers(apart) });
    await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    await expect.poll(width).toBeCloseTo(fit * 3, -1);
  });

  test('it works in a frame of the same origin, below another path', async () => {
    const page = await pages.open(`${review.service.url}/orthanc.html`);
    await page.frameLocator('iframe').getByRole('heading', { name: 'People and the network' }).waitFor();
  });

  test('? tells the keys, and single letters can be switched off for good', async () => {
    const page = await openInstance(0);
    await page.keyboard.press('?');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Confirm', { exact: true }).waitFor();
    await dialog.getByText('Right button and drag').waitFor();
    await dialog.getByLabel('Single letters are shortcuts').uncheck();
    await page.keyboard.press('Escape');
    await page.keyboard.press('y');
    await page.keyboard.press('n');
    expect(review.service.asked).toEqual([]);
    await page.keyboard.press('Enter');
    await said(page, 'Confirmed');
  });

  test('the dashboard tells where a shadow network parts, who was right, and leads to the pictures', async () => {
    review.service.status.shadow = { network: { name: 'ours', sha256: 'd'.repeat(64) } };
    const entry = nth(0);
    entry.shadow = {
      network: { name: 'ours', sha256: 'd'.repeat(64) },
      decision: 'category',
      category: 'hand_ap',
      of: entry.when,
    };
    const page = await open('#/dashboard');
    const panel = page.getByRole('region', { name: 'The shadow network' });
    await panel.getByText('embedded, and ours in the shadow').waitFor();
    await panel.getByText('decides otherwise in 4% of 9,800; no answer in 3').waitFor();
    expect(await panel.getByRole('row').nth(2).textContent()).toBe('Knee APKnee lateral41');
    await panel.getByText('only the shadow right 61').waitFor();
    await page.getByRole('region', { name: 'Engine and network' }).getByText('ours').waitFor();
    await panel.getByRole('link', { name: 'Show pictures' }).click();
    await page.locator('a.tile').first().waitFor();
    expect(page.url()).toContain('state=recent&shadow=differs');
    expect(await page.getByLabel('Shadow network').inputValue()).toBe('differs');
    await waitFor(() => review.service.lists.some((query) => query.includes('shadow=differs')));
    await page.locator('a.tile').first().click();
    await page.getByText('Hand AP (ours)').waitFor();
  });

  test('the categories of another network can be chosen as soon as it decides', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Filters' }).click();
    const options = page.getByLabel('Category').locator('option');
    const name = 'View of the site lateral';
    expect(await options.allTextContents()).not.toContain(name);
    await waitFor(() => review.service.followers() > 0);
    review.service.networkClasses.push('view_of_the_site_lateral');
    const network = { ...review.service.status.network, sha256: 'e'.repeat(64) };
    // The page knows the network that decided before.
    review.service.emit('status', review.service.status);
    review.service.emit('status', { ...review.service.status, network });
    await options.getByText(name).waitFor({ state: 'attached' });
  });

  test('the report is loaded on demand, made on request with progress, told by station with examples, and saved', async () => {
    const { service } = review;
    const { report } = service.quality;
    if (report === undefined) throw new Error('the fake has a report');
    service.quality = { state: 'idle' };
    const page = await open('#/dashboard');
    await page.locator('.interval').first().waitFor();
    const scripts = () =>
      page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name.split('/').pop())");
    expect(await scripts()).not.toContainEqual(expect.stringMatching(/^review-quality/));
    await page.getByRole('link', { name: 'Report' }).click();
    await page.getByText('No report has been made yet.').waitFor();
    expect(await scripts()).toContainEqual(expect.stringMatching(/^review-quality/));
    service.quality = { state: 'running', progress: { done: 5, total: 20, radiographs: 11 } };
    await page.getByLabel('Studies from').fill('2026-01-01');
    await page.getByRole('button', { name: 'Make a report' }).click();
    await page.getByText('5 of 20 series, 11 radiographs').waitFor();
    expect(service.asked).toContain('POST quality {"from":"2026-01-01"}');
    service.quality = { state: 'idle', report };
    await page.getByRole('rowheader', { name: 'Wrong Body Part Examined, by the network' }).waitFor();
    const figures = page.getByRole('table').first();
    expect(
      await figures.getByRole('row', { name: /^Wrong Body Part Examined, by the network/ }).innerText(),
    ).toMatch(/14\.0%.*one in 7.*13\.5% to 14\.6%.*2,105 of 15,036/s);
    await page.getByRole('button', { name: 'Device' }).click();
    await page.getByRole('combobox').selectOption('Undecided');
    await page.getByRole('heading', { name: 'Undecided, by Device' }).waitFor();
    expect(await page.getByRole('row', { name: /^ACME CR 10/ }).innerText()).toContain('24.7%');
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save as CSV' }).click();
    expect((await download).suggestedFilename()).toBe('report.csv');
    await figures.getByRole('link', { name: 'Example 1: Undecided' }).click();
    await page.locator('img.radiograph[data-loaded]').waitFor();
  });

  test('a viewer is told which role the report needs', async () => {
    review.service.me = { who: 'vera', role: 'viewer', how: 'orthanc' };
    const page = await open('#/report');
    await page.getByText('This page needs the role reviewer.').waitFor();
  });

  test('the dashboard draws and tells what the service counted', async () => {
    review.service.me = { who: 'adam', role: 'admin', how: 'orthanc' };
    const page = await open('#/dashboard');
    const row = page.getByRole('row', { name: /^Hand AP 88%/ });
    await row.getByText('Hand oblique 9, Wrist AP 3').waitFor();
    await page.locator('summary', { hasText: 'As a table' }).first().click();
    await page.getByRole('cell', { name: /^\d+$/ }).first().waitFor();
    await page.getByText('research and evaluation only').waitFor();
    await page.getByRole('link', { name: '30 Needs review' }).click();
    await page.locator('a.tile').first().waitFor();
  });

  test('the dashboard names a station whose pictures are not what they were, until an admin accepts that', async () => {
    review.service.me = { who: 'adam', role: 'admin', how: 'orthanc' };
    const change = { station: 'ROOM1', when: '2026-03-02T09:14:07.000Z', before: 0.124, now: 0.46 };
    const examples = review.service.entries.slice(0, 2).map(({ instance }) => instance);
    review.service.drift = [
      { ...change, signal: 'unsure', examples },
      { ...change, signal: 'scores', category: 'hand_ap', examples: [] },
    ];
    const page = await open('#/dashboard');
    const panel = page.getByRole('region', { name: 'Pictures are not what they were' });
    await panel.getByText('More pictures need review: 46% of the latest, 12% at most before.').waitFor();
    await panel.getByText('More scores are unusual (Hand AP)').waitFor();
    expect(await panel.getByRole('link').nth(1).getAttribute('href')).toBe(`#/instance/${examples[1]}`);
    await panel.getByRole('button', { name: 'From now on ROOM1 is like this' }).click();
    await panel.waitFor({ state: 'detached' });
    expect(review.service.asked).toEqual(['POST drift/accept {"station":"ROOM1"}']);
    expect(await faults(page)).toEqual([]);
  });
});
