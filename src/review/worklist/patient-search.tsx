import { notifyOnError } from '../state/notices.js';
import { go, patientHref } from '../state/route.js';
import { openList } from '../state/worklist.js';
import { texts } from '../texts/index.js';

/** Waits for Enter: only a whole Patient ID finds something. It is sent in a body, and stays out of the address. */
export function PatientSearch() {
  const search = (input: HTMLInputElement) => {
    const patient = input.value.trim();
    if (patient === '') return;
    notifyOnError(openList({ patient }));
    go(patientHref);
  };
  return (
    <label>
      {texts.filtersPatient}
      <input
        type="text"
        autocomplete="off"
        spellcheck={false}
        maxLength={64}
        placeholder={texts.filtersPatientHint}
        onKeyDown={(event) => {
          if (event.key === 'Enter') search(event.currentTarget);
        }}
      />
    </label>
  );
}
