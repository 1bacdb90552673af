import { dicomTime, scoreText, shareText } from '../base/format.js';
import { catalogue } from './messages.js';
import { say } from './say.js';

/** The messages with placeholders of the report on DICOM attributes. */
export const qualitySentences = {
  qualityProgress: (done: number, total: number | undefined, radiographs: number) =>
    say('qualityProgress', { done, total: total ?? 0, isKnown: total !== undefined, radiographs }),
  qualityMade: (when: string, radiographs: number, from: string | undefined, to: string | undefined) =>
    say('qualityMade', {
      when,
      radiographs,
      isLimited: from !== undefined || to !== undefined,
      from: from === undefined ? catalogue.messages.qualityFirst : dicomTime(from),
      to: to === undefined ? catalogue.messages.qualityLast : dicomTime(to),
    }),
  qualityScore: (score: number) => say('qualityScore', { score: scoreText(score) }),
  qualityUnread: (number: number) => say('qualityUnread', { number }),
  qualityRange: (low: number, high: number) =>
    say('qualityRange', { low: shareText(low), high: shareText(high) }),
  qualityCounted: (number: number, of: number) => say('qualityCounted', { number, of }),
  qualityOneIn: (number: number) => say('qualityOneIn', { number }),
  qualityExample: (number: number, what: string) => say('qualityExample', { number, what }),
  qualityTable: (figure: string, dimension: string) => say('qualityTable', { figure, dimension }),
};
