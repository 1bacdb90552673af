// Added to Orthanc Explorer's pages by explorer_plugin.py: what Plainview decided, and the buttons Reclassify and Review.
// What was decided is read from Orthanc itself, so it stands there while the service is away.
(() => {
  const most = 20;
  const pages = {
    patient: { level: 'Study', many: 'patients' },
    study: { level: 'Study', many: 'studies' },
    series: { level: 'Series', many: 'series' },
    instance: { level: 'Instance', many: 'instances' },
  };
  const decisions = {
    needs_review: 'To be reviewed',
    unknown_view: 'None of the known views',
    failed: 'Could not be classified',
  };

  /** JSON of this Orthanc; rejects with the sentence that says what is wrong. */
  async function call(path, body, method = body === undefined ? 'GET' : 'POST') {
    const answer = await fetch(`../${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const value = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(value.title ?? value.Message ?? `Orthanc answers ${answer.status}.`);
    return value;
  }

  const read = (text) => {
    try {
      return JSON.parse(text);
    } catch {
      return undefined; // written by somebody else
    }
  };

  const line = (text) => $('<li>').text(text);
  const heading = (text) => $('<li>').append($('<h3>').text(text));

  function describeInstance(record, category) {
    const [best] = record.top ?? [];
    const byPerson = record.who === 'person';
    const score = best === undefined || byPerson ? '' : ` (score ${best.score.toFixed(3)})`;
    const items = [];
    if (record.category !== undefined) items.push(heading(`${record.category}${score}`));
    else {
      items.push(heading(decisions[record.decision] ?? record.decision));
      if (best !== undefined) items.push(line(`Best: ${best.category}${score}`));
      items.push(line(record.failure?.message ?? record.reason));
    }
    for (const finding of [record.order?.bodyPart, record.order?.projection, record.order?.side])
      if (finding?.answer === 'differs') items.push(line(`Order: ${finding.reason}`));
    const person = record.person?.who ?? 'a person';
    items.push(line(`By ${byPerson ? person : `the network ${record.network?.name}`}, ${record.when}`));
    if (byPerson) items.push(line('Reclassify leaves a person’s answer as it is; Review can take it back.'));
    if (category === undefined) items.push(line('Being written …'));
    return items;
  }

  function describeGroup(records) {
    const sums = {};
    for (const { categories, decisions: ended } of records)
      for (const [name, count] of [...Object.entries(categories ?? {}), ...Object.entries(ended ?? {})])
        if (name !== 'category') sums[name] = (sums[name] ?? 0) + count;
    return Object.entries(sums).map(([name, count]) => line(`${decisions[name] ?? name}: ${count}`));
  }

  /** Reads the records of what the page shows. */
  async function decided(page, uuid) {
    const resources = await call('tools/bulk-content', {
      Resources: [uuid],
      Level: pages[page].level,
      Metadata: true,
    });
    const known = resources.map(({ Metadata = {} }) => read(Metadata.Radiograph)).filter(Boolean);
    const items =
      page === 'instance'
        ? known.flatMap((record) => describeInstance(record, resources[0]?.Metadata?.RadiographCategory))
        : describeGroup(known);
    if (items.length === 0) items.push(line('Nothing decided: no plain radiograph, or not looked at yet.'));
    const asked = resources.map(({ Metadata = {} }) => Metadata.RadiographReclassify).find(Boolean);
    if (asked !== undefined)
      items.push(line(`Asked for by ${read(asked)?.who ?? 'somebody'}, and not answered yet`));
    return { resources, items };
  }

  function reviews(page, resources) {
    if (page === 'instance') return resources.map(({ ID }) => [`instance/${ID}`, 'Review']);
    const studies = resources.map((each) => [page === 'series' ? each.ParentStudy : each.ID, each]);
    return studies
      .slice(0, most)
      .map(([id, { MainDicomTags: tags = {} }]) => [
        `study/${id}`,
        studies.length === 1 ? 'Review' : `Review the study of ${tags.StudyDate || 'an unknown day'}`,
      ]);
  }

  /** The list of the page that is open; gone once another resource is. */
  function panel(page) {
    const { uuid } = $.mobile.pageData ?? {};
    const list = $(`#plainview-${page}`);
    const isOpen = () => $.mobile.activePage?.attr('id') === page && $.mobile.pageData?.uuid === uuid;
    const put = (groups) => {
      if (!isOpen()) return;
      list.empty().append($('<li data-role="list-divider">').text('Plainview'), ...groups.flat());
      list.listview('refresh');
    };
    return { uuid, isOpen, put, list };
  }

  const button = (icon, text, click) =>
    $('<li>')
      .attr('data-icon', icon)
      .append(
        $('<a href="#">')
          .text(text)
          .click((event) => {
            event.preventDefault();
            click();
          }),
      );

  async function show(page) {
    const { uuid, isOpen, put } = panel(page);
    if (uuid === undefined) return;
    const [{ resources, items }, session] = await Promise.all([
      decided(page, uuid).catch((error) => ({ resources: [], items: [line(error.message)] })),
      call('plainview/session').catch((error) => ({ service: { answers: false, why: error.message } })),
    ]);
    const { answers, why } = session.service;
    const away = answers
      ? []
      : [line(why), line('What stands here is kept in Orthanc, and so is what you ask for.')];
    const links = reviews(page, resources).map(([fragment, text]) =>
      $('<li data-icon="search">').append(
        $('<a rel="external">').attr('href', `../plainview/review/#/${fragment}`).text(text),
      ),
    );
    const ask = session.role === 'admin' ? [button('refresh', 'Reclassify', () => reclassify(page))] : [];
    put([items, away, ask, answers ? links : []]);
    if (!answers || !isOpen()) return;
    const runs = await call('plainview/api/v1/requests').catch(() => []);
    // Cut off where the page is left just now.
    const run = (Array.isArray(runs) ? runs : []).find(
      ({ state, selection }) => state === 'running' && selection.ids?.includes(uuid),
    );
    if (run !== undefined) await follow(page, run);
  }

  async function reclassify(page) {
    const { uuid, put } = panel(page);
    put([line('Asking …')]);
    try {
      const run = await call('plainview/reclassify', { resources: uuid });
      if (run.kept === undefined) return await follow(page, run);
      put([line('Kept in Orthanc: Plainview does it as soon as it is back.')]);
    } catch (error) {
      put([line(error.message), button('back', 'Back', () => show(page))]);
    }
  }

  /** Shows how far a request is until it has ended, or another page is open. */
  async function follow(page, begun) {
    const { isOpen, put } = panel(page);
    let run = begun;
    const cancel = () => call(`plainview/api/v1/requests/${begun.id}`, undefined, 'DELETE');
    while (run.state === 'running' && isOpen()) {
      put([
        line(`${run.answered} of ${run.asked} looked at again, for ${run.who}`),
        button('delete', 'Cancel', () => cancel().catch((error) => put([line(error.message)]))),
      ]);
      await new Promise((resolve) => setTimeout(resolve, 500));
      try {
        run = await call(`plainview/api/v1/requests/${begun.id}`);
      } catch (error) {
        return put([line(error.message), button('back', 'Back', () => show(page))]);
      }
    }
    if (!isOpen()) return;
    Refresh(); // Orthanc Explorer's own: the labels have changed
    await show(page);
    if (run.problem !== undefined) panel(page).list.append(line(run.problem)).listview('refresh');
  }

  for (const page of Object.keys(pages)) {
    $(`#${page}`).live('pagebeforecreate', () => {
      $('<ul data-role="listview" data-inset="true" data-theme="d" data-divider-theme="c">')
        .attr('id', `plainview-${page}`)
        .insertAfter(`#${page}-info`);
    });
    $(`#${page}`).live('pageshow', () => show(page));
  }
  // From one resource to another of its kind Orthanc Explorer shows no new page.
  $(window).bind('hashchange', () => {
    const page = $.mobile.activePage?.attr('id');
    if (page in pages) void show(page);
  });
})();
