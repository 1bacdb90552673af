type Attributes = Readonly<Record<string, string | number>>;

/** Tells an OpenTelemetry collector how jobs pass their stages. */
export interface Tracing {
  /** A job: a span that holds those of its stages. @param outcomeOf what becomes of it */
  job<T>(attributes: Attributes, run: () => Promise<T>, outcomeOf: (result: T) => Attributes): Promise<T>;
  /** A stage of the job in which this is called. @param endedAgo when it ended, seconds ago */
  stage(name: string, seconds: number, endedAgo?: number): void;
  /** Sends what is not sent yet. @param deadline what is not sent by then is lost */
  stop(deadline: AbortSignal): Promise<void>;
}

export const noTracing: Tracing = {
  job: (_attributes, run) => run(),
  stage: () => undefined,
  stop: async () => undefined,
};
