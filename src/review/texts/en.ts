import { count, duration, percent, plural } from '../base/format.js';
import { otherClass } from '../base/other-class.js';
import { gridTexts } from './grid-en.js';
import { qualityTexts } from './quality-en.js';

/** Of the further views. */
const eponyms = /\b(caldwell|grashey|judet|norgaard|rhese|rosenberg|schueller|towne|waters)\b/g;

/** `chest_pa_ap` → `Chest PA/AP`. */
function categoryName(category: string): string {
  if (category === otherClass || category === 'unknown_view') return 'None of these';
  const words = category
    .replace(/_pa_ap$/, ' PA/AP')
    .replace(/_(ap|pa)(?=_|$)/, (_, view: string) => ` ${view.toUpperCase()}`)
    .replaceAll('_', ' ')
    .replace(eponyms, (name) => name.charAt(0).toUpperCase() + name.slice(1));
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** @param category null: none of the categories */
const inSentence = (category: string | null): string =>
  category === null ? 'none of these' : categoryName(category);

/** English. Names begin with the place of the text; functions make sentences with numbers or names in them. */
export const en = {
  // Used in several places
  appName: 'Plainview',
  pageTitles: {
    worklist: 'Worklist',
    study: 'Study',
    patient: 'Patient',
    instance: 'Review',
    dashboard: 'Dashboard',
    quality: 'Report',
    grid: gridTexts.gridTitle,
  },
  opening: 'Opening …',
  loading: 'Loading …',
  tryAgain: 'Try again',
  categoryName,
  noneOfThese: 'None of these',
  stateNames: {
    needs_review: 'Needs review',
    unknown_view: 'Unknown view',
    order_mismatch: 'Order mismatch',
    category_proposed: 'Proposed',
    classification_failed: 'Failed',
    settled_by_person: 'Done',
    recent: 'Recent',
  },
  decisionNames: {
    category: 'Given a category',
    needs_review: 'Needs review',
    unknown_view: 'Unknown view',
    failed: 'Failed',
  },

  // Errors of this page
  errorNoAnswer: 'The service does not answer. Trying again.',
  errorVersion: 'This page does not fit the version of the service. Reload the page.',
  errorBetween: (status: number) =>
    `A server between this page and the service answers ${status}. Try again later.`,
  errorUnknown: 'Something went wrong on this page. Reload the page.',

  // Top of the page
  skipToContent: 'Skip to the content',
  headerHome: 'Plainview, worklist',
  headerPages: 'Pages',
  headerKeys: 'Keyboard shortcuts',
  headerServiceAway: 'Service does not answer',
  headerOrthancAway: 'Orthanc does not answer',
  headerStateProblem: 'Nothing can be saved: see the dashboard',
  headerLive: 'Live',
  headerUpToDate: 'Up to date',
  headerInProgress: (jobs: number) => `${count(jobs)} in progress`,
  noticeDismiss: 'Dismiss',

  // Keyboard shortcuts
  helpTitle: 'Keyboard shortcuts',
  helpLettersOn: 'Single letters are shortcuts',
  helpClose: 'Close',
  keyNames: { Escape: 'Esc', Enter: 'Enter' },
  keysEverywhere: 'Everywhere',
  keysWorklist: 'Worklist',
  keysDecide: 'Decide',
  keysNavigate: 'Navigate',
  keysPicture: 'Picture',
  keyHelp: 'Show the keyboard shortcuts',
  keyNextPicture: 'Next picture',
  keyPreviousPicture: 'Previous picture',
  keyRowBelow: 'Row below',
  keyRowAbove: 'Row above',
  keyReviewFirst: 'Review the first picture that nobody has settled',
  keyList: 'Show that list',
  keySearch: 'Search',
  keyRefresh: 'Refresh the list',
  keyCorrect: 'Correct: type what it is',
  keyCandidate: 'Choose that candidate of the network',
  keyMismatchOrder: 'The picture is right, the order is wrong',
  keyMismatchCategory: 'The order is right: correct the category',
  keyMismatchNoMatter: 'The difference from the order does not matter',
  keyZoomIn: 'Zoom in (then the arrow keys pan)',
  keyZoomOut: 'Zoom out',
  keyReset: 'Reset the view',
  keyBrighter: 'Brighter',
  keyDarker: 'Darker',
  keyMoreContrast: 'More contrast',
  keyLessContrast: 'Less contrast',
  keyInvert: 'Invert',
  keyMap: 'Show what the network looked at',
  mouseTitle: 'Mouse and fingers, on the picture',
  mouseHelp: [
    ['Drag', 'Window: right and left for contrast, up and down for brightness'],
    ['Middle button, or Shift and drag', 'Pan'],
    ['Right button and drag', 'Zoom'],
    ['Wheel', 'Zoom at the pointer'],
    ['Double click', 'Zoom in, or fit'],
    ['Two fingers', 'Zoom and pan'],
  ],

  // Sign-in
  signInIntro:
    'Paste your token to sign in. The browser keeps it for this tab, and brings it back if it restores the tab. Within Orthanc’s own pages you need no token.',
  signInToken: 'Token',
  signInRefused: 'The service does not know this token. Check it, or ask for a new one.',
  signInSubmit: 'Sign in',
  signInAt: (host: string) => `Sign in at ${host}`,
  signInFailed: 'The sign-in was not completed. Begin it again.',
  signInAsAnother: 'Sign in as somebody else',

  // An instance in a few words
  titleFailed: 'Could not be classified',
  titleUnknownView: 'None of the categories',
  titleUndecided: 'Undecided',
  titleUnsure: (category: string) => `${categoryName(category)}?`,
  chipConfirmed: '✓ Confirmed',
  chipByPerson: '✓ By a person',
  chipNeedsReview: '? Needs review',
  chipUnknownView: '∅ Unknown view',
  chipFailed: '! Failed',
  chipByNetwork: 'By the network',
  chipOrderMismatch: '≠ Order',
  chipProposed: (category: string) => `Proposed: ${categoryName(category)}`,
  thumbnailMissing: 'No picture',

  // Worklist
  worklistStudyTitle: 'Pictures of one study',
  worklistStudyNote: 'The pictures of one study.',
  worklistAllStudies: 'All studies',
  worklistLists: 'Lists',
  worklistPatientNote: 'The pictures of the patient that you searched for.',
  worklistAllSettled: 'Nothing here is open: people have settled all of it.',
  worklistEmpty: 'Nothing here.',
  worklistCount: (shown: number, total: number | undefined, hasMore: boolean) => {
    const rest = total !== undefined && total > shown ? ` of ${count(total)}` : hasMore ? ' and more' : '';
    return `${count(shown)}${rest} ${plural(shown, { one: 'picture', other: 'pictures' })}`;
  },
  worklistReview: 'Review',
  worklistRefresh: 'Refresh',
  worklistShowNew: (number: number) => `${count(number)} new – show`,
  worklistMore: 'Load more',
  tileNoDescription: 'No description',
  filtersSearch: 'Search descriptions and accession numbers',
  filtersSearchPlaceholder: 'Search descriptions, stations …',
  filtersTitle: 'Filters',
  filtersButton: (used: number) => (used > 0 ? `Filters (${count(used)})` : 'Filters'),
  filtersClear: 'Clear',
  filtersAny: 'Any',
  filtersCategory: 'Category',
  filtersCategories: (isKnown: boolean) =>
    isKnown ? 'Known to the network' : 'Not yet known to the network',
  filtersMinScore: 'Score from',
  filtersMaxScore: 'Score to',
  filtersFrom: 'Study from',
  filtersTo: 'Study to',
  filtersStation: 'Station',
  filtersStationPlaceholder: 'ROOM*',
  filtersModality: 'Modality',
  filtersInvalid: {
    minScore: 'A number from 0 to 1, at most the upper limit',
    maxScore: 'A number from 0 to 1, at least the lower limit',
    from: 'A day, not after the last one',
    to: 'A day, not before the first one',
    station: 'Without ? and \\',
  },
  filtersPatient: 'Patient ID',
  filtersPatientHint: 'Whole, then Enter',
  filtersSaid: 'What was said',
  filtersSaidNames: {
    confirmed: 'Confirmed',
    corrected: 'Corrected',
    none_of_these: 'None of these',
    order_wrong: 'Order wrong',
    category_wrong: 'Order right, category wrong',
    no_matter: 'Difference does not matter',
  },
  filtersBy: 'By whom',
  filtersWas: 'Was open as',
  filtersWasNames: {
    needs_review: 'Needs review',
    unknown_view: 'Unknown view',
    order_mismatch: 'Order mismatch',
    classification_failed: 'Failed',
    category: 'Nothing: a category',
  },
  filtersShadow: 'Shadow network',
  filtersShadowNames: { differs: 'Decides otherwise', agrees: 'Agrees', failed: 'Gave no answer' },

  // Instance: navigation and decisions
  instanceBack: 'Back to the list',
  instanceList: '‹ List',
  instanceSteps: 'Within the list',
  instancePosition: (position: number, total: number, hasMore: boolean) =>
    `${count(position)} of ${count(total)}${hasMore ? '+' : ''}`,
  instanceNext: 'Next',
  instanceNextTitle: 'Next (→)',
  instancePrevious: 'Previous',
  instancePreviousTitle: 'Previous (←)',
  instanceDecide: 'Decide',
  instanceConfirm: 'Confirm',
  instanceConfirmAs: (category: string | null) => `It is ${inSentence(category)}`,
  instanceUndo: 'Undo',
  instanceViewer: (who: string) =>
    `You (${who}) can only view. To confirm or correct, you need the role “reviewer”: ask the administrator of Plainview.`,
  correctionLabel: 'Correct to',
  correctionPlaceholder: 'Type what it is: kn lat',
  correctionCategories: 'Categories',
  correctionUnknownToNetwork: (region: string) =>
    `${region === '' ? 'Other views' : region} · the network does not know these yet`,
  mismatchTitle: '≠ Differs from the order',
  mismatchAsk: 'What is right?',
  mismatchDecideFirst: 'Say first what the picture shows. Then say what is wrong with the order.',
  mismatchNothing: 'Nothing here differs from the order, or it is answered already.',
  mismatchAnswers: {
    order_wrong: 'Picture right, order wrong',
    category_wrong: 'Order right, category wrong',
    no_matter: 'No matter',
  },
  mismatchWhy: 'A word why (optional)',
  mismatchCorrect: 'The order is right: choose what the picture shows.',
  mismatchAnswered: {
    order_wrong: 'Noted: the order is wrong.',
    category_wrong: 'Noted and corrected: the order is right.',
    no_matter: 'Noted: the difference does not matter.',
  },
  mismatchAnsweredBy: (answer: string, who: string, when: string) => `${answer}. ${who}, ${when}`,
  proposalTitle: (category: string) => `Proposed: ${categoryName(category)}`,
  proposalAsks: (category: string) =>
    `Somebody set the label “${categoryName(category)}” in Orthanc, for this study or picture. Take it as a correction?`,
  proposalTake: (category: string) => `This picture is ${categoryName(category)}`,
  proposalDismiss: 'No, do not ask again',
  candidatesTitle: 'What the network sees',
  candidatesScoreNote: 'score, not a probability',
  candidatesExplain: 'Show where the network sees it',
  candidatesTake: (number: number, category: string) => `${number}: it is ${categoryName(category)}`,
  candidatesTakeTitle: (number: number, category: string) => `It is ${categoryName(category)} (${number})`,

  // Instance: what is known of it
  factsDicom: 'What DICOM says',
  factsBodyPart: 'Body part',
  factsInstead: 'Another picture stands for this exposure, also for the order.',
  factsView: 'View',
  factsSide: 'Side',
  factsStudy: 'Study',
  factsSeries: 'Series',
  factsProtocol: 'Protocol',
  factsModality: 'Modality',
  factsStation: 'Station',
  factsTaken: 'Taken',
  factsDecided: 'How it was decided',
  factsBy: 'By',
  factsByPerson: 'a person',
  factsByNetwork: 'the network',
  factsWhen: 'When',
  factsRequestedBy: 'Requested by',
  factsBefore: 'Before',
  factsNetwork: 'Network',
  factsEngine: 'Engine',
  factsShadow: 'Shadow network',
  factsShadowSays: (decision: string, name: string) => `${decision} (${name})`,
  factsResearchOnly: 'This network is for research and evaluation only. Not a medical device.',
  orderAnswers: {
    agrees: 'Fits the order:',
    cannot_tell: 'The order check cannot tell:',
  },
  orthancPages: 'Orthanc’s pages',
  orthancIn: 'In Orthanc:',
  orthancLevels: { study: 'study', series: 'series', instance: 'instance' },
  viewersOpen: 'Open in:',
  orthancStudyPictures: 'pictures of this study',

  // Instance: the picture
  stageRadiograph: 'Radiograph',
  stagePicture: 'Picture',
  stageAlt: (category: string | undefined) =>
    `Radiograph, ${category === undefined ? 'undecided' : categoryName(category)}`,
  stageDragging: 'Dragging changes',
  stageTools: { window: 'Window', pan: 'Pan' },
  stageZoomOut: 'Zoom out',
  stageZoomIn: 'Zoom in',
  stageInvert: 'Invert',
  stageReset: 'Reset',
  stageMap: 'Why?',
  stageMapTitle: (category: string) => `Where the network sees ${categoryName(category)}`,
  stageMapStrength: 'Strength of the map',

  // Notices after decisions
  reviewConfirmed: (category: string | null) => `Confirmed: ${inSentence(category)}.`,
  reviewCorrected: (category: string | null) => `Corrected: ${inSentence(category)}.`,
  reviewDismissed: (category: string) => `Dismissed: ${categoryName(category)}. The label stays in Orthanc.`,
  reviewDecided: (what: string, isLast: boolean, hasKeys: boolean) =>
    [
      what,
      ...(isLast ? ['That was the last one of the list.'] : []),
      ...(hasKeys ? ['Press U to undo.'] : []),
    ].join(' '),
  reviewDiffers: (what: string) => `${what} It differs from the order: say what is right, or go on.`,
  reviewDecidedAlready: (category: string | null, who: string | undefined) =>
    `Decided already${who === undefined ? '' : ` by ${who}`}: ${inSentence(category)}.`,
  reviewNothingToConfirm: 'There is no category to confirm: say what it is.',
  reviewNotSeen: 'Not decided: the picture is still loading. Wait until you see it.',
  reviewNothingToUndo: 'There is nothing to undo.',
  reviewUndone: 'Undone. The previous decision is valid again.',
  reviewNoLongerByPerson: 'Nothing to undo: the decision is no longer a person’s.',
  reviewConflict: (problem: string) => `${problem} The page now shows the current decision.`,
  reviewChanged: (who: 'person' | 'network') =>
    `The decision has changed: ${who === 'person' ? 'a person' : 'the network'} decided again.`,
  reviewAtEnd: 'This is the last one of the list.',
  reviewAtStart: 'This is the first one of the list.',

  // Dashboard
  dashboardTitle: 'Dashboard',
  dashboardSpan: 'Time span',
  dashboardSpans: { day: 'Day', week: 'Week', month: 'Month', quarter: 'Quarter' },
  dashboardCounting: 'Counting …',
  dashboardIncomplete: 'Still counting: the figures grow.',
  dashboardBacklog: 'Backlog',
  throughputTitle: 'Throughput',
  throughputSeries: 'Decisions',
  throughputSummary: (decisions: number) =>
    `${count(decisions)} ${plural(decisions, { one: 'decision', other: 'decisions' })}`,
  decisionsTitle: 'Decisions',
  decisionsSummary: (given: number, decided: number) =>
    `${percent(given, decided)} given a category without a person`,
  chartLabel: (title: string, summary: string) => `${title}: ${summary}`,
  chartTable: 'As a table',
  chartTableName: (title: string) => `${title}, as a table`,
  chartBuckets: { hour: 'Hour', day: 'Day' },
  agreementTitle: 'People and the network',
  agreementNote:
    'How often people agreed with the network where it was sure. People do not check every picture, so this does not measure its accuracy. Lines are 95% intervals (Wilson).',
  agreementNone: 'Nobody has confirmed or corrected anything in this time.',
  agreementTable: (network: string) => `Agreement with ${network}`,
  agreementSummary: (sure: Verdicts, unsure: Verdicts) =>
    [
      ...(total(sure) > 0 ? [`agreed in ${share(sure)}`] : []),
      ...(total(unsure) > 0
        ? [`where it had asked for a person, its best guess was right in ${share(unsure)}`]
        : []),
    ].join('; '),
  mismatchSummary: ({ order_wrong, category_wrong, no_matter }: Answers) =>
    `Differences from the order that people answered: order wrong ${count(order_wrong)}, category wrong ${count(category_wrong)}, no matter ${count(no_matter)}.`,
  agreementSaid: 'The network said',
  agreementAgreed: 'People agreed',
  agreementInterval: 'Interval',
  agreementRange: (low: number, high: number) => `${percent(low, 1)} to ${percent(high, 1)}`,
  agreementChecked: 'Checked',
  agreementInstead: 'People said instead',
  agreementInsteadOf: (category: string | null, number: number) => `${inSentence(category)} ${count(number)}`,
  shadowTitle: 'The shadow network',
  shadowNote:
    'A second network looks at the same pictures and decides nothing. Who was right is known only of pictures that people have decided, and they saw what the network said.',
  shadowPair: (network: string, shadow: string) => `${network}, and ${shadow} in the shadow`,
  shadowSummary: (parted: number, decided: number, failed: number) =>
    `decides otherwise in ${percent(parted, decided)} of ${count(decided)}${failed > 0 ? `; no answer in ${count(failed)}` : ''}`,
  shadowRight: ({ both, onlyNetwork, onlyShadow, neither, p }: Right) =>
    `Of ${count(both + onlyNetwork + onlyShadow + neither)} that people decided: only the network right ${count(onlyNetwork)}, only the shadow right ${count(onlyShadow)}, both ${count(both)}, neither ${count(neither)}; p = ${p < 0.001 ? '< 0.001' : p.toFixed(3)} (McNemar, exact)`,
  shadowExamples: 'Show pictures',
  shadowTable: (network: string) => `Where ${network} and its shadow part`,
  shadowNetworkSaid: 'The network decided',
  shadowSaid: 'The shadow would have',
  shadowCount: 'Pictures',
  shadowMore: (number: number) => `${count(number)} further combinations`,
  categoriesTitle: 'Categories over time',
  categoriesNone: 'No category was given in this time.',
  categoriesCategory: 'Category',
  categoriesByDay: 'By day',
  categoriesGiven: 'Given',
  categoriesMost: (most: number) => `${count(most)} a day at most`,
  driftTitle: 'Pictures are not what they were',
  driftSignals: {
    unsure: 'More pictures need review',
    unknown: 'More pictures are none of the categories',
    scores: 'More scores are unusual',
    corrected: 'People correct more',
  },
  driftChange: (what: string, before: number, now: number, category?: string) =>
    `${what}${category === undefined ? '' : ` (${inSentence(category)})`}: ${percent(now, 1)} of the latest, ${percent(before, 1)} at most before.`,
  driftSince: (when: string) => `Noticed ${when}.`,
  driftExample: (number: number) => `example ${number}`,
  driftAccept: (station: string) => `From now on ${station} is like this`,
  engineTitle: 'Engine and network',
  engineNetwork: 'Network',
  enginePurpose: 'May be used for',
  enginePurposeResearch: 'research and evaluation only',
  engineShadow: 'Shadow network',
  engineEngine: 'Engine',
  engineOnDevice: (engine: string, device: string) => `${engine} on ${device}`,
  engineDeclined: (engine: string) => `Not ${engine}`,
  engineQueue: 'Queue',
  engineQueueCounts: (running: number, waiting: number, delayed: number) =>
    `${count(running)} running, ${count(waiting)} waiting, ${count(delayed)} to be tried again`,
  engineOrthanc: 'Orthanc',
  engineOrthancUp: 'answers',
  engineOrthancAway: 'does not answer',
  engineState: 'State folder',
  engineVersion: 'Version',
  sweepTitle: 'Sweep',
  sweepLabel: 'Sweep of the archive',
  sweepProgress: (done: number, total: number, secondsLeft: number | undefined) =>
    `${count(done)} of ${count(total)} series${secondsLeft === undefined ? '' : `, ${duration(secondsLeft)} left`}`,

  // Dashboard: reclassification jobs
  jobsTitle: 'Reclassification',
  jobsNone: 'No job since the service started.',
  jobEverything: 'Everything',
  jobIncludingCorrected: ', including what people corrected',
  jobRequested: (who: string, when: string) => ` · ${who}, ${when}`,
  jobProgressLabel: 'Progress of the job',
  jobStates: { running: 'running', done: 'done', cancelled: 'cancelled', failed: 'failed' },
  jobCounted: (number: number, isRunning: boolean) =>
    `${count(number)} ${isRunning ? 'so far' : 'would be classified'}`,
  jobProgress: (done: number, total: number, secondsLeft: number | undefined) =>
    `${count(done)} of ${count(total)}${secondsLeft === undefined ? '' : `, ${duration(secondsLeft)} left`}`,
  jobLeftAlone: (corrected: number, otherVersion: number) =>
    [
      corrected > 0 ? `, ${count(corrected)} corrected left alone` : '',
      otherVersion > 0 ? `, ${count(otherVersion)} of another version left alone` : '',
    ].join(''),
  jobCancel: 'Cancel',
  jobFormTitle: 'Classify again …',
  jobFormDecision: 'Decision',
  jobFormAny: 'Any',
  jobFormLabel: 'Label',
  jobFormNetwork: 'Decided by network',
  jobFormNetworkPlaceholder: 'name or SHA-256',
  jobFormFrom: 'Study from',
  jobFormTo: 'Study to',
  jobFormIncludingCorrected: 'Include what people corrected',
  jobFormCount: 'Count',
  jobFormCounting: (number: number) => `Counting: ${count(number)} …`,
  jobFormSubmit: (number: number) => `Classify ${count(number)} again`,
  jobFormStarted: 'Started. It continues when you close this page.',

  ...gridTexts,
  ...qualityTexts,
};

interface Right {
  both: number;
  onlyNetwork: number;
  onlyShadow: number;
  neither: number;
  p: number;
}

interface Verdicts {
  confirmed: number;
  corrected: number;
}

interface Answers {
  order_wrong: number;
  category_wrong: number;
  no_matter: number;
}

const total = ({ confirmed, corrected }: Verdicts): number => confirmed + corrected;

const share = (of: Verdicts): string => `${percent(of.confirmed, total(of))} of ${count(total(of))}`;
