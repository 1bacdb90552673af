import { duration, percent, pValue } from '../base/format.js';
import { categoryName, inSentence } from './category-name.js';
import { gridSentences } from './grid-sentences.js';
import { catalogue } from './messages.js';
import { qualitySentences } from './quality-sentences.js';
import { say } from './say.js';

/** @param who undefined: the network */
const teller = (who: string | undefined) =>
  who === undefined ? { by: 'network', name: '' } : { by: 'person', name: who };

/** The messages with placeholders, by their names. */
export const sentences = {
  // Used in several places
  errorBetween: (status: number) => say('errorBetween', { status: String(status) }),
  headerInProgress: (jobs: number) => say('headerInProgress', { jobs }),
  signInAt: (host: string) => say('signInAt', { host }),
  titleUnsure: (category: string) => say('titleUnsure', { category: categoryName(category) }),
  chipProposed: (category: string) => say('chipProposed', { category: categoryName(category) }),

  // Worklist
  worklistCount: (shown: number, total: number | undefined, hasMore: boolean) =>
    say('worklistCount', {
      shown,
      total: total ?? 0,
      rest: total !== undefined && total > shown ? 'total' : hasMore ? 'more' : 'none',
    }),
  worklistShowNew: (number: number) => say('worklistShowNew', { number }),
  filtersButton: (used: number) => say('filtersButton', { used }),
  filtersCategories: (isKnown: boolean) => say('filtersCategories', { isKnown }),

  // Instance
  instancePosition: (position: number, total: number, hasMore: boolean) =>
    say('instancePosition', { position, total, hasMore }),
  instanceConfirmAs: (category: string | null) =>
    say('instanceConfirmAs', { category: inSentence(category) }),
  instanceViewer: (who: string) => say('instanceViewer', { who }),
  correctionUnknownToNetwork: (region: string) =>
    say('correctionUnknownToNetwork', {
      region: region === '' ? catalogue.messages.correctionOtherViews : (catalogue.regions[region] ?? region),
    }),
  mismatchAnsweredBy: (answer: string, who: string, when: string) =>
    say('mismatchAnsweredBy', { answer, who, when }),
  proposalTitle: (category: string) => say('proposalTitle', { category: categoryName(category) }),
  proposalAsks: (category: string) => say('proposalAsks', { category: categoryName(category) }),
  proposalTake: (category: string) => say('proposalTake', { category: categoryName(category) }),
  candidatesTake: (number: number, category: string) =>
    say('candidatesTake', { number, category: categoryName(category) }),
  candidatesTakeTitle: (number: number, category: string) =>
    say('candidatesTakeTitle', { number, category: categoryName(category) }),
  factsShadowSays: (decision: string, name: string) => say('factsShadowSays', { decision, name }),
  stageAlt: (category: string | undefined) =>
    say('stageAlt', {
      category: category === undefined ? catalogue.messages.titleUndecided : categoryName(category),
    }),
  stageTurned: (turn: number, who: string | undefined) => say('stageTurned', { turn, ...teller(who) }),
  stageMirrored: (who: string | undefined) => say('stageMirrored', teller(who)),
  stageWayUpSaid: (confirms: string | undefined) =>
    say('stageWayUpSaid', {
      isConfirming: confirms !== undefined,
      category: confirms === undefined ? '' : categoryName(confirms),
    }),
  stageMapTitle: (category: string) => say('stageMapTitle', { category: categoryName(category) }),

  // Notices after decisions
  reviewConfirmed: (category: string | null) => say('reviewConfirmed', { category: inSentence(category) }),
  reviewCorrected: (category: string | null) => say('reviewCorrected', { category: inSentence(category) }),
  reviewDismissed: (category: string) => say('reviewDismissed', { category: categoryName(category) }),
  reviewDecided: (what: string, isLast: boolean, hasKeys: boolean) =>
    say('reviewDecided', { what, isLast, hasKeys }),
  reviewDiffers: (what: string) => say('reviewDiffers', { what }),
  reviewDecidedAlready: (category: string | null, who = '') =>
    say('reviewDecidedAlready', { category: inSentence(category), who, isNamed: who !== '' }),
  reviewConflict: (problem: string) => say('reviewConflict', { problem }),
  reviewChanged: (who: 'person' | 'network') => say('reviewChanged', { who }),

  // Dashboard
  throughputSummary: (decisions: number) => say('throughputSummary', { decisions }),
  decisionsSummary: (given: number, decided: number) =>
    say('decisionsSummary', { share: percent(given, decided) }),
  chartLabel: (title: string, summary: string) => say('chartLabel', { title, summary }),
  chartTableName: (title: string) => say('chartTableName', { title }),
  agreementTable: (network: string) => say('agreementTable', { network }),
  agreementSummary: (sure: Verdicts, unsure: Verdicts) =>
    say('agreementSummary', {
      sure: total(sure),
      sureShare: share(sure),
      both: total(sure) > 0 && total(unsure) > 0,
      unsure: total(unsure),
      unsureShare: share(unsure),
    }),
  mismatchSummary: ({
    order_wrong: orderWrong,
    category_wrong: categoryWrong,
    no_matter: noMatter,
  }: Answers) => say('mismatchSummary', { orderWrong, categoryWrong, noMatter }),
  agreementRange: (low: number, high: number) =>
    say('agreementRange', { low: percent(low, 1), high: percent(high, 1) }),
  agreementInsteadOf: (category: string | null, number: number) =>
    say('agreementInsteadOf', { category: inSentence(category), number }),
  shadowPair: (network: string, shadow: string) => say('shadowPair', { network, shadow }),
  shadowSummary: (parted: number, decided: number, failed: number) =>
    say('shadowSummary', { share: percent(parted, decided), decided, failed }),
  shadowRight: ({ both, onlyNetwork, onlyShadow, neither, p }: Right) =>
    say('shadowRight', {
      all: both + onlyNetwork + onlyShadow + neither,
      both,
      onlyNetwork,
      onlyShadow,
      neither,
      p: pValue(p),
    }),
  shadowTable: (network: string) => say('shadowTable', { network }),
  shadowMore: (number: number) => say('shadowMore', { number }),
  categoriesMost: (most: number) => say('categoriesMost', { most }),
  driftChange: (what: string, before: number, now: number, category?: string) =>
    say('driftChange', {
      what,
      before: percent(before, 1),
      now: percent(now, 1),
      isNamed: category !== undefined,
      category: category === undefined ? '' : inSentence(category),
    }),
  driftSince: (when: string) => say('driftSince', { when }),
  driftExample: (number: number) => say('driftExample', { number }),
  driftAccept: (station: string) => say('driftAccept', { station }),
  engineOnDevice: (engine: string, device: string) => say('engineOnDevice', { engine, device }),
  engineDeclined: (engine: string) => say('engineDeclined', { engine }),
  engineQueueCounts: (running: number, waiting: number, delayed: number) =>
    say('engineQueueCounts', { running, waiting, delayed }),
  sweepProgress: (done: number, total: number, secondsLeft: number | undefined) =>
    say('sweepProgress', { done, total, ...timeLeft(secondsLeft) }),

  // Dashboard: reclassification jobs
  jobRequested: (who: string, when: string) => say('jobRequested', { who, when }),
  jobCounted: (number: number, isRunning: boolean) => say('jobCounted', { number, isRunning }),
  jobProgress: (done: number, total: number, secondsLeft: number | undefined) =>
    say('jobProgress', { done, total, ...timeLeft(secondsLeft) }),
  jobLeftAlone: (corrected: number, otherVersion: number) => say('jobLeftAlone', { corrected, otherVersion }),
  jobFormCounting: (number: number) => say('jobFormCounting', { number }),
  jobFormSubmit: (number: number) => say('jobFormSubmit', { number }),

  ...gridSentences,
  ...qualitySentences,
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

const share = (of: Verdicts): string => percent(of.confirmed, total(of));

const timeLeft = (seconds: number | undefined) => ({
  isTimed: seconds !== undefined,
  left: seconds === undefined ? '' : duration(seconds),
});
