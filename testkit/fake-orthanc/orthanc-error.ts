const reasons: Record<number, string> = {
  400: 'Bad Request',
  404: 'Not Found',
  409: 'Conflict',
  500: 'Internal Server Error',
};

/** An error that Orthanc returns as JSON, with HTTP status, error number and message. */
export class OrthancError extends Error {
  readonly status: number;
  readonly #number: number;
  readonly #details: string | undefined;

  constructor(status: number, number: number, message: string, details?: string) {
    super(message);
    this.status = status;
    this.#number = number;
    this.#details = details;
  }

  body(method: string, uri: string): string {
    return JSON.stringify({
      ...(this.#details === undefined ? {} : { Details: this.#details }),
      HttpError: reasons[this.status],
      HttpStatus: this.status,
      Message: this.message,
      Method: method,
      OrthancError: this.message,
      OrthancStatus: this.#number,
      Uri: uri,
    });
  }
}

export const unknownResource = (details?: string) => new OrthancError(404, 17, 'Unknown resource', details);
export const inexistentItem = () => new OrthancError(404, 7, 'Accessing an inexistent item');
export const badRequest = (details: string) => new OrthancError(400, 8, 'Bad request', details);
export const outOfRange = (details: string) => new OrthancError(400, 3, 'Parameter out of range', details);
export const badRevision = (details?: string) =>
  new OrthancError(
    409,
    43,
    'A bad revision number was provided, which might indicate conflict between multiple writers',
    details,
  );
