/** A date as DICOM's DA: 2024-01-31 → 20240131. */
export const dicomDate = (iso = ''): string => iso.replaceAll('-', '');

/** Study Date as a search's range. Either end may be open. @param range ISO dates, inclusive */
export const studyDates = ({
  from,
  to,
}: {
  from?: string | undefined;
  to?: string | undefined;
}): { StudyDate?: string } =>
  from === undefined && to === undefined ? {} : { StudyDate: `${dicomDate(from)}-${dicomDate(to)}` };

/** @param text Orthanc's `20260131T120000`, UTC @returns milliseconds since 1970; undefined where the text has another form */
export function receptionTime(text: string): number | undefined {
  const iso = text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d).*$/, '$1-$2-$3T$4:$5:$6Z');
  const time = Date.parse(iso);
  return Number.isNaN(time) ? undefined : time;
}
