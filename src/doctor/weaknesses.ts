import semver from 'semver';

/** A weakness that is known of a program, and the version without it. */
export interface Weakness {
  /** `orthanc`, or the name of a plugin as Orthanc's `/plugins` lists it. */
  program: string;
  title: string;
  /** The first version without it. */
  mendedIn: string;
  /** What it is, as a part of a sentence. */
  what: string;
  source: string;
}

/** Only what matters to whom Plainview serves: archives that take files of others. Each with its source. */
export const weaknesses: readonly Weakness[] = [
  {
    program: 'orthanc',
    title: 'Orthanc',
    mendedIn: '1.13.0',
    what: 'a damaged DICOM file can end it (CVE-2026-10528)',
    source: 'https://nvd.nist.gov/vuln/detail/CVE-2026-10528',
  },
  {
    program: 'orthanc',
    title: 'Orthanc',
    mendedIn: '1.12.11',
    what: 'files and requests that were made for it can end it, show memory, or run a program (CVE-2026-5437 to CVE-2026-5445)',
    source: 'https://nvd.nist.gov/vuln/detail/CVE-2026-5442',
  },
  {
    program: 'orthanc-explorer-2',
    title: 'Orthanc Explorer 2',
    mendedIn: '1.14.1',
    what: 'a DICOM file can run a script in the browser of who opens a link by which its study is shared (XSS)',
    source:
      'https://github.com/orthanc-server/orthanc-explorer-2/commit/531ab4f20d62e6837db718b79a59963542048e45',
  },
  {
    program: 'orthanc-explorer-2',
    title: 'Orthanc Explorer 2',
    mendedIn: '1.12.1',
    what: 'a link can run a script in the browser of who follows it (CVE-2026-10173)',
    source: 'https://github.com/orthanc-server/orthanc-explorer-2/issues/108',
  },
];

/** Those of this version. One that is no release (`mainline`, `unstable`) is taken for a new one. */
export const weaknessesOf = (program: string, version: string): readonly Weakness[] => {
  const parsed = semver.coerce(version);
  return /^\d/.test(version) && parsed !== null
    ? weaknesses.filter((each) => each.program === program && semver.lt(parsed, each.mendedIn))
    : [];
};
