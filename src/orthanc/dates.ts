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
