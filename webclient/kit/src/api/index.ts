export { createApi, createQueries, type Api } from "./client.ts";
export { ApiContext, useApi } from "./context.ts";
export { ApiError, errorKey } from "./problem.ts";
export type * from "./types.ts";
