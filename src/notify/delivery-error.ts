import { AdapterError, type ErrorDetails } from "../domain/errors.ts";

/**
 * Why a message was not delivered. It says whether the message may have arrived all the same: what may
 * have arrived is never sent again blindly.
 */
export class DeliveryError extends AdapterError {
  /** `not-sent`: certainly not; `unknown`: the connection broke after it was handed over. */
  readonly outcome: "not-sent" | "unknown";

  constructor(
    code: string,
    message: string,
    details: ErrorDetails & {
      readonly outcome?: "not-sent" | "unknown";
      /** False when trying again is useless until somebody changes something, such as a wrong token. */
      readonly retryable?: boolean;
      /** Milliseconds since the epoch before which the server does not want to be asked again. */
      readonly retryAt?: number;
    } = {},
  ) {
    super(code, message, details);
    this.outcome = details.outcome ?? "not-sent";
  }
}
