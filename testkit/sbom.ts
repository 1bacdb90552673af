import { type Spec, Validation } from '@cyclonedx/cyclonedx-library';

/** Compares a software bill of materials with CycloneDX's schema. @returns what is wrong; null where nothing is */
export function sbomProblems(text: string): Promise<unknown> {
  const { specVersion } = JSON.parse(text) as { specVersion: Spec.Version };
  return new Validation.JsonStrictValidator(specVersion).validate(text);
}
