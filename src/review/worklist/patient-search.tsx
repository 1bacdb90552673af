import { useState } from 'preact/hooks';
import { notifyOnError } from '../state/notices.js';
import { go, patientHref } from '../state/route.js';
import { openList } from '../state/worklist.js';
import { texts } from '../texts/index.js';

/** The service refuses what would find other patients too. */
const hasWildcard = (text: string): boolean => /[*?\\]/.test(text);

/** Waits for Enter: only a whole Patient ID finds something. It is sent in a body, and stays out of the address. */
export function PatientSearch() {
  const [isInvalid, setInvalid] = useState(false);
  const search = (input: HTMLInputElement) => {
    const patient = input.value.trim();
    if (patient === '' || hasWildcard(patient)) return;
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
        aria-invalid={isInvalid}
        aria-describedby={isInvalid ? 'patient-problem' : undefined}
        onInput={(event) => setInvalid(hasWildcard(event.currentTarget.value))}
        onKeyDown={(event) => {
          if (event.key === 'Enter') search(event.currentTarget);
        }}
      />
      {isInvalid && (
        <small id="patient-problem" class="error-text">
          {texts.filtersInvalid.patient}
        </small>
      )}
    </label>
  );
}
