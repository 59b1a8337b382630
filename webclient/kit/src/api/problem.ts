import type { Problem } from "./types.ts";

/**
 * A request that failed. status 0 means that no answer came. fields maps the
 * input's name to what is wrong with it.
 */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;

  constructor(status: number, message: string, fields: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}

/** Reads a problem document (RFC 9457), or makes do with the status alone. */
export async function toApiError(response: Response): Promise<ApiError> {
  let problem: Problem = {};
  if (response.headers.get("Content-Type")?.includes("json")) {
    problem = (await response.json().catch(() => ({}))) as Problem;
  }
  const fields: Record<string, string> = {};
  for (const fault of problem.errors ?? []) {
    const field = /^body\.(.+)$/.exec(fault.location ?? "")?.[1];
    if (field) fields[field] ??= fault.message ?? "";
  }
  return new ApiError(response.status, problem.detail ?? problem.title ?? "", fields);
}

/** The key of the words for an error that no field of a form claims. */
export function errorKey(error: unknown) {
  if (!(error instanceof ApiError)) return "error.unexpected";
  switch (error.status) {
    case 0:
      return "error.offline";
    case 401:
      return "error.signedOut";
    case 403:
      return "error.forbidden";
    case 404:
      return "error.notFound";
    case 409:
      return "error.conflict";
    case 400:
    case 422:
      return "error.invalid";
    case 429:
      return "error.tooMany";
    case 503:
      return "error.unavailable";
    default:
      return "error.unexpected";
  }
}
