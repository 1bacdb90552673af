import { type FrameChoice, type Picture, requireSize } from './picture.js';

/**
 * Decodes a DICOM file, as Orthanc and the service render it. What does so is loaded with the first DICOM file.
 * @throws picture_undecodable, picture_too_large, picture_uniform, dicom_needs_server
 */
export async function decodeDicom(file: Buffer, maxMegapixels: number, frame: FrameChoice): Promise<Picture> {
  const { renderDicom } = await import('../../dicom/picture.js');
  return renderDicom(file, {
    frame,
    requireSize: (width, height) => requireSize(width, height, maxMegapixels),
  });
}
