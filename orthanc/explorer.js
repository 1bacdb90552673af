// explorer_plugin.py adds this to Orthanc Explorer's pages: Plainview's decisions, and the buttons Reclassify and Review.
// The decisions come from Orthanc itself, so the pages show them while the service is away too.
(() => {
  const mostReviewLinks = 20;
  /** The pages of Orthanc Explorer, and the level of the records that each shows. */
  const levels = { patient: 'Study', study: 'Study', series: 'Series', instance: 'Instance' };
  const english = {
    lang: 'en',
    decisions: {
      needs_review: 'To be reviewed',
      unknown_view: 'None of the known views',
      failed: 'Could not be classified',
    },
    orthancAnswers: (status) => `Orthanc answered with HTTP ${status}.`,
    score: (score) => `(score ${score})`,
    best: (what) => `Best: ${what}`,
    order: (reason) => `Order: ${reason}`,
    aPerson: 'a person',
    theNetwork: (name) => `the network ${name}`,
    by: (who, when) => `By ${who}, ${when}`,
    leftAlone: 'Reclassify leaves a person’s answer as it is; Review can take it back.',
    writing: 'Plainview is still writing this decision.',
    nothing: 'Nothing decided: this is no plain radiograph, or it is not classified yet.',
    requested: (who) => `Reclassification requested by ${who}, not done yet`,
    unknown: 'unknown',
    review: 'Review',
    reviewStudy: (date) => `Review the study of ${date}`,
    unknownDate: 'an unknown date',
    fromOrthanc: 'The decisions come from Orthanc. Orthanc also keeps your requests.',
    reclassify: 'Reclassify',
    requesting: 'Requesting …',
    kept: 'Kept in Orthanc: Plainview does it as soon as it is back.',
    back: 'Back',
    progress: (done, all, who) => `${done} of ${all} looked at again, for ${who}`,
    cancel: 'Cancel',
  };
  const german = {
    lang: 'de',
    decisions: {
      needs_review: 'Zu prüfen',
      unknown_view: 'Keine der bekannten Aufnahmen',
      failed: 'Nicht klassifizierbar',
    },
    orthancAnswers: (status) => `Orthanc antwortete mit HTTP ${status}.`,
    score: (score) => `(Score ${score.replace('.', ',')})`,
    best: (what) => `Am ehesten: ${what}`,
    order: (reason) => `Anforderung: ${reason}`,
    aPerson: 'einer Person',
    theNetwork: (name) => `dem Netz ${name}`,
    by: (who, when) => `Von ${who}, ${when}`,
    leftAlone:
      'Neu klassifizieren lässt die Antwort einer Person, wie sie ist; Prüfen kann sie zurücknehmen.',
    writing: 'Plainview schreibt diese Entscheidung noch.',
    nothing: 'Nichts entschieden: Das ist kein Röntgenbild, oder es ist noch nicht klassifiziert.',
    requested: (who) => `Neuklassifizierung angefordert von ${who}, noch nicht erledigt`,
    unknown: 'unbekannt',
    review: 'Prüfen',
    reviewStudy: (date) => `Studie prüfen: ${date}`,
    unknownDate: 'Datum unbekannt',
    fromOrthanc: 'Die Entscheidungen kommen von Orthanc. Orthanc bewahrt auch Ihre Anfragen auf.',
    reclassify: 'Neu klassifizieren',
    requesting: 'Wird angefordert …',
    kept: 'In Orthanc aufbewahrt: Plainview erledigt es, sobald es wieder da ist.',
    back: 'Zurück',
    progress: (done, all, who) => `${done} von ${all} neu angesehen, für ${who}`,
    cancel: 'Abbrechen',
  };
  /** As the review page at the same address chooses; it keeps the reader's choice. */
  function chooseTexts() {
    let chosen = null;
    try {
      chosen = localStorage.getItem('plainview-language');
    } catch {
      // The browser keeps nothing for this site.
    }
    const known = { en: english, de: german };
    const tags = [chosen ?? '', ...navigator.languages].map((tag) => tag.toLowerCase().split('-')[0]);
    return known[tags.find((tag) => Object.hasOwn(known, tag)) ?? 'en'];
  }
  const texts = chooseTexts();

  /** Calls this Orthanc and returns its JSON. Rejects with a sentence that describes the error. */
  async function call(path, body, method = body === undefined ? 'GET' : 'POST') {
    const answer = await fetch(`../${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const value = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(value.title ?? value.Message ?? texts.orthancAnswers(answer.status));
    return value;
  }

  const parseJson = (text) => {
    try {
      return JSON.parse(text);
    } catch {
      return undefined; // another program wrote it
    }
  };

  const line = (text) => $('<li>').text(text);
  const heading = (text) => $('<li>').append($('<h3>').text(text));

  function describeInstance(record, category) {
    const [best] = record.top ?? [];
    const byPerson = record.who === 'person';
    const score = best === undefined || byPerson ? '' : ` ${texts.score(best.score.toFixed(3))}`;
    const items = [];
    if (record.category !== undefined) items.push(heading(`${record.category}${score}`));
    else {
      items.push(heading(texts.decisions[record.decision] ?? record.decision));
      if (best !== undefined) items.push(line(texts.best(`${best.category}${score}`)));
      items.push(line(record.failure?.message ?? record.reason));
    }
    for (const finding of [record.order?.bodyPart, record.order?.projection, record.order?.side])
      if (finding?.answer === 'differs') items.push(line(texts.order(finding.reason)));
    const person = record.person?.who ?? texts.aPerson;
    items.push(line(texts.by(byPerson ? person : texts.theNetwork(record.network?.name), record.when)));
    if (byPerson) items.push(line(texts.leftAlone));
    if (category === undefined) items.push(line(texts.writing));
    return items;
  }

  function describeGroup(records) {
    const totals = {};
    for (const { categories, decisions } of records)
      for (const [name, count] of [...Object.entries(categories ?? {}), ...Object.entries(decisions ?? {})])
        if (name !== 'category') totals[name] = (totals[name] ?? 0) + count;
    return Object.entries(totals).map(([name, count]) => line(`${texts.decisions[name] ?? name}: ${count}`));
  }

  /** Reads the records of the resources on the page. */
  async function readDecisions(page, uuid) {
    const resources = await call('tools/bulk-content', {
      Resources: [uuid],
      Level: levels[page],
      Metadata: true,
    });
    const records = resources.map(({ Metadata = {} }) => parseJson(Metadata.Radiograph)).filter(Boolean);
    const items =
      page === 'instance'
        ? records.flatMap((record) => describeInstance(record, resources[0]?.Metadata?.RadiographCategory))
        : describeGroup(records);
    if (items.length === 0) items.push(line(texts.nothing));
    const request = resources.map(({ Metadata = {} }) => Metadata.RadiographReclassify).find(Boolean);
    if (request !== undefined) items.push(line(texts.requested(parseJson(request)?.who ?? texts.unknown)));
    return { resources, items };
  }

  function reviewLinks(page, resources) {
    if (page === 'instance') return resources.map(({ ID }) => [`instance/${ID}`, texts.review]);
    const studies = resources.map((each) => [page === 'series' ? each.ParentStudy : each.ID, each]);
    return studies
      .slice(0, mostReviewLinks)
      .map(([id, { MainDicomTags: tags = {} }]) => [
        `study/${id}`,
        studies.length === 1 ? texts.review : texts.reviewStudy(tags.StudyDate || texts.unknownDate),
      ]);
  }

  /** Plainview's list on the open page. It changes only while the page shows the same resource. */
  function panel(page) {
    const { uuid } = $.mobile.pageData ?? {};
    const list = $(`#plainview-${page}`);
    const isOpen = () => $.mobile.activePage?.attr('id') === page && $.mobile.pageData?.uuid === uuid;
    const render = (groups) => {
      if (!isOpen()) return;
      list.empty().append($('<li data-role="list-divider">').text('Plainview'), ...groups.flat());
      list.listview('refresh');
    };
    return { uuid, isOpen, render, list };
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
    const { uuid, isOpen, render } = panel(page);
    if (uuid === undefined) return;
    const [{ resources, items }, session] = await Promise.all([
      readDecisions(page, uuid).catch((error) => ({ resources: [], items: [line(error.message)] })),
      call('plainview/session').catch((error) => ({ service: { answers: false, why: error.message } })),
    ]);
    const { answers, why } = session.service;
    const notices = answers ? [] : [line(why), line(texts.fromOrthanc)];
    const links = reviewLinks(page, resources).map(([fragment, text]) =>
      $('<li data-icon="search">').append(
        $('<a rel="external">').attr('href', `../plainview/review/#/${fragment}`).text(text),
      ),
    );
    const actions =
      session.role === 'admin' ? [button('refresh', texts.reclassify, () => reclassify(page))] : [];
    render([items, notices, actions, answers ? links : []]);
    if (!answers || !isOpen()) return;
    const jobs = await call('plainview/api/v1/requests').catch(() => []);
    // The answer is not a list if the browser leaves the page at this moment.
    const job = (Array.isArray(jobs) ? jobs : []).find(
      ({ state, selection }) => state === 'running' && selection.ids?.includes(uuid),
    );
    if (job !== undefined) await follow(page, job);
  }

  async function reclassify(page) {
    const { uuid, render } = panel(page);
    render([line(texts.requesting)]);
    try {
      const job = await call('plainview/reclassify', { resources: uuid });
      if (job.kept === undefined) return await follow(page, job);
      render([line(texts.kept)]);
    } catch (error) {
      render([line(error.message), button('back', texts.back, () => show(page))]);
    }
  }

  /** Shows the progress of a reclassification job until it ends or another page opens. */
  async function follow(page, startedJob) {
    const { isOpen, render } = panel(page);
    let job = startedJob;
    const cancel = () => call(`plainview/api/v1/requests/${startedJob.id}`, undefined, 'DELETE');
    while (job.state === 'running' && isOpen()) {
      render([
        line(texts.progress(job.answered, job.asked, job.who)),
        button('delete', texts.cancel, () => cancel().catch((error) => render([line(error.message)]))),
      ]);
      await new Promise((resolve) => setTimeout(resolve, 500));
      try {
        job = await call(`plainview/api/v1/requests/${startedJob.id}`);
      } catch (error) {
        return render([line(error.message), button('back', texts.back, () => show(page))]);
      }
    }
    if (!isOpen()) return;
    Refresh(); // Orthanc Explorer's function: it shows the new labels
    await show(page);
    if (job.problem !== undefined) panel(page).list.append(line(job.problem)).listview('refresh');
  }

  for (const page of Object.keys(levels)) {
    $(`#${page}`).live('pagebeforecreate', () => {
      $('<ul data-role="listview" data-inset="true" data-theme="d" data-divider-theme="c">')
        .attr({ id: `plainview-${page}`, lang: texts.lang })
        .insertAfter(`#${page}-info`);
    });
    $(`#${page}`).live('pageshow', () => show(page));
  }
  // Orthanc Explorer fires no `pageshow` between two resources of the same level.
  $(window).bind('hashchange', () => {
    const page = $.mobile.activePage?.attr('id');
    if (page in levels) void show(page);
  });
})();
