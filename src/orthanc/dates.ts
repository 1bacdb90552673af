/** A day as DICOM writes it, without dashes. */
export const dicomDate = (iso = ''): string => iso.replaceAll('-', '');

/** For a search: Study Date from one day up to another, either of them left out where it is open. */
export const studyDates = ({
  from,
  to,
}: {
  from?: string | undefined;
  to?: string | undefined;
}): { StudyDate?: string } =>
  from === undefined && to === undefined ? {} : { StudyDate: `${dicomDate(from)}-${dicomDate(to)}` };
