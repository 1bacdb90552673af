import type { Categories } from '../anatomy/categories.js';
import { lateralityOf } from '../anatomy/laterality.js';
import type { Config } from '../config/options.js';
import { standsInstead } from '../decisions/exposure.js';
import { recordOf } from '../decisions/read.js';
import type { QuarterTurn } from '../decisions/schema.js';
import { createError } from '../errors/errors.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { FoundRadiograph, FoundStudy, Studies } from '../orthanc/studies.js';
import { arrange, type HangablePicture, type Hung } from './arrange.js';
import { readProtocols } from './file.js';
import type { Hanging } from './protocol.js';

/** A radiograph with the data that a viewer needs. */
export interface HungPicture extends HangablePicture {
  orthancId: InstanceId;
  /** `undecided` until it has been classified. */
  state: 'category' | 'needs_review' | 'unknown_view' | 'failed' | 'undecided';
  /** The recorded category, even if it is not sure enough for hanging. */
  recorded?: string;
  /** Clockwise degrees that bring it upright, where that is told. */
  turned?: QuarterTurn;
  /** A chest that is mirrored, or whose organs are. */
  mirrored?: true;
  /** SOP Instance UID of the picture that is hung in place of this one, because it shows the same exposure. */
  instead?: string;
}

export interface HungStudy {
  study: FoundStudy;
  pictures: HungPicture[];
  hung?: Hung<HungPicture>;
}

/** @throws config_invalid where the file of protocols cannot be used */
export function createHanger(
  orthanc: Orthanc,
  config: Pick<Config, 'hangingFile' | 'modalities' | 'labelPrefix'>,
  categories: Categories,
  classes: readonly string[],
): Hanger {
  const hanging = readProtocols(config.hangingFile, categories, classes);
  return new Hanger({ ...config, orthanc, hanging });
}

/** Arranges studies by the recorded decisions of their radiographs. */
export class Hanger {
  readonly #studies: Studies;
  readonly #hanging: Hanging;
  readonly #modalities: readonly string[];
  readonly #labelPrefix: string;

  constructor(parts: {
    orthanc: Orthanc;
    hanging: Hanging;
    modalities: readonly string[];
    labelPrefix: string;
  }) {
    this.#studies = parts.orthanc.studies;
    this.#hanging = parts.hanging;
    this.#modalities = parts.modalities;
    this.#labelPrefix = parts.labelPrefix;
  }

  /**
   * @param withPriors whether the viewer can also show an earlier study
   * @throws study_unknown
   */
  async hang(studyInstanceUid: string, { withPriors }: { withPriors: boolean }): Promise<HungStudy> {
    const [study, found] = await Promise.all([
      this.#studies.byUid(studyInstanceUid),
      this.#studies.radiographs([studyInstanceUid], this.#modalities),
    ]);
    if (study === undefined) throw createError('study_unknown', {});
    const pictures = picturesOf(found, this.#hanging.leastScore).sort(byNumber);
    const priors = withPriors ? await this.#priors(study, pictures) : [];
    const hung = arrange(this.#hanging.protocols, pictures, priors);
    return { study, pictures, ...(hung === undefined ? {} : { hung }) };
  }

  async #priors(study: FoundStudy, pictures: readonly HangablePicture[]): Promise<HungPicture[][]> {
    const compared = new Set(
      this.#hanging.protocols.flatMap(({ cells }) =>
        cells.filter(({ prior }) => prior).map(({ category }) => category),
      ),
    );
    const labels = pictures.flatMap(({ category }) =>
      category !== undefined && compared.has(category) ? [this.#labelPrefix + category] : [],
    );
    const studies = await this.#studies.priors(study, [...new Set(labels)], this.#hanging.priors);
    const found = await this.#studies.radiographs(
      studies.map((each) => each.studyInstanceUid),
      this.#modalities,
    );
    const all = picturesOf(found, this.#hanging.leastScore);
    return studies.map((each) => all.filter((picture) => picture.studyInstanceUid === each.studyInstanceUid));
  }
}

/** Of pictures of one exposure, only the one that stands for it keeps its category. */
export function picturesOf(found: readonly FoundRadiograph[], leastScore: number): HungPicture[] {
  const all = found.map((each) => pictureOf(each, leastScore));
  return all.map((picture) => {
    const { category: _, ...rest } = picture;
    const instead = standsInstead(picture, all)?.sopInstanceUid;
    return instead === undefined ? picture : { ...rest, instead };
  });
}

/** @param leastScore softmax, 0 to 1: a network's category with a lower score is not sure enough for hanging */
function pictureOf(found: FoundRadiograph, leastScore: number): HungPicture {
  const record = recordOf(found.instance)?.record;
  const { category, top = [], who, orientation, decision = 'undecided' } = record ?? {};
  const scored = category === undefined ? top[0] : top.find((each) => each.category === category);
  const score = who === 'person' ? undefined : scored?.score;
  const isSure = who === 'person' || (score ?? 0) >= leastScore;
  const side = lateralityOf(found.laterality);
  return {
    orthancId: found.instance.ID,
    sopInstanceUid: found.sopInstanceUid,
    seriesInstanceUid: found.seriesInstanceUid,
    studyInstanceUid: found.studyInstanceUid,
    seriesNumber: found.seriesNumber,
    instanceNumber: found.instanceNumber,
    exposure: found.exposure,
    state: decision,
    ...(score === undefined ? {} : { score }),
    ...(side === undefined ? {} : { side }),
    ...(who === undefined ? {} : { who }),
    ...(orientation === undefined || orientation === 'cannot_tell'
      ? {}
      : { turned: orientation.turned, ...(orientation.mirrored === true ? { mirrored: true } : {}) }),
    ...(category === undefined ? {} : { recorded: category }),
    ...(isSure && category !== undefined ? { category } : {}),
  };
}

/** In the order of series and instance numbers. */
const byNumber = (a: HangablePicture, b: HangablePicture): number =>
  Math.sign(a.seriesNumber - b.seriesNumber) ||
  Math.sign(a.instanceNumber - b.instanceNumber) ||
  (a.sopInstanceUid < b.sopInstanceUid ? -1 : 1);
