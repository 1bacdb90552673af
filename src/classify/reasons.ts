/** What a sentence says: its code, and what it is about. Readers of another language get their own sentence for it. */
export interface Because {
  code: string;
  params: Record<string, string | number>;
}

/** A reason for people, in English, and as what it says. */
export interface Reasoned {
  reason: string;
  /** Said one after another. */
  because: Because[];
}

type Sentences = Readonly<Record<string, (params: never) => string>>;

/** @returns gives a reason by its code. A code stands in metadata, so it is never renamed. */
export const reasonsIn =
  <S extends Sentences>(sentences: S) =>
  <C extends keyof S & string>(code: C, params: Parameters<S[C]>[0]): Reasoned => {
    // Each sentence takes its own parameters, which the signature above has tied to `code`.
    const sentence = sentences[code] as unknown as (given: typeof params) => string;
    return { reason: sentence(params), because: [{ code, params }] };
  };

type Best = { category: string; score: number };
const at = ({ category, score }: Best): string => `${category} at ${score.toFixed(3)}`;

/** Why a network decides as it does. */
export const networkReasons = {
  no_categories: (_: Record<never, never>) => 'the network knows no categories',
  none_of_them: (p: Best) => `none of the categories: ${at(p)}`,
  perhaps_none: (p: Best) => `perhaps none of the categories: ${at(p)}`,
  not_recognised: (p: Best & { limit: number }) => `nothing recognised: best is ${at(p)}, under ${p.limit}`,
  under_threshold: (p: Best & { limit: number }) => `best is ${at(p)}, under the threshold ${p.limit}`,
  too_close: (p: Best & { second: string; secondScore: number; limit: number }) =>
    `${at(p)} and ${at({ category: p.second, score: p.secondScore })} are closer than ${p.limit}`,
  best: at,
  /** Between what two networks of a cascade say. */
  second_network: (p: { network: string }) => `then ${p.network}`,
};
