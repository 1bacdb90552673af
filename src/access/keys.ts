import { createHmac } from 'node:crypto';

/**
 * What the keys made from PLAINVIEW_SECRET are for. `hook`: the Lua hook sends it with each notice. `request`: a request
 * of Orthanc's plugin, or of the command line, is signed with it. `answer`: so is the answer. `seal`: a request for
 * reclassification that includes what people decided carries a seal made with it. `forward`: a process says with it for
 * which client it forwards a request to the leader. `pseudonym`: names of exported pictures and patients are made with it.
 */
export type KeyPurpose = 'hook' | 'request' | 'answer' | 'seal' | 'forward' | 'pseudonym';

/**
 * A key for one purpose: HMAC-SHA256 of its name, with the secret as key. Nobody can compute the secret or another key
 * from it. `lua/plainview.lua` and `orthanc/plainview_service.py` make the same keys.
 */
export const deriveKey = (secret: string, purpose: KeyPurpose): Buffer =>
  createHmac('sha256', secret).update(`plainview ${purpose}`).digest();

/** What the hook sends in `X-Plainview-Hook-Key`. */
export const hookKey = (secret: string): string => deriveKey(secret, 'hook').toString('hex');
