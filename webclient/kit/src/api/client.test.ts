import { beforeEach, expect, test, vi } from "vitest";
import { createApi, createQueries } from "./client.ts";
import { ApiError, errorKey } from "./problem.ts";

const answer = vi.fn<(request: Request) => Promise<Response>>();

beforeEach(() => {
  answer.mockReset().mockResolvedValue(Response.json({}));
  vi.stubGlobal("fetch", answer);
});

function problem(status: number, body: object): Response {
  return Response.json(body, { status, headers: { "Content-Type": "application/problem+json" } });
}

test("a command says which tab's sound it means and proves its origin", async () => {
  const api = createApi("http://exchange.test");
  api.identify({ clientId: "b1", tabId: "t1" });
  api.identify({ csrf: "secret" });
  await api.http.POST("/api/calls/{leg}/answer", { params: { path: { leg: "l/1" } } });
  const request = answer.mock.calls[0]?.[0];
  expect(request?.url).toBe("http://exchange.test/api/calls/l%2F1/answer");
  expect(request?.headers.get("X-CSRF-Token")).toBe("secret");
  expect(request?.headers.get("X-Client-Id")).toBe("b1");
  expect(request?.headers.get("X-Tab-Id")).toBe("t1");
});

test("a refusal names the fields of the form", async () => {
  answer.mockResolvedValue(
    problem(422, {
      detail: "validation failed",
      errors: [
        { location: "body.email", message: "is taken" },
        { location: "body.email", message: "a second fault of the same field" },
        { location: "query.x", message: "not of the form" },
      ],
    }),
  );
  const api = createApi("http://exchange.test");
  const failure = await api.http.GET("/api/people").catch((e: unknown) => e);
  expect(failure).toBeInstanceOf(ApiError);
  expect(failure).toMatchObject({ status: 422, fields: { email: "is taken" } });
});

test.each([
  ["no answer at all", () => Promise.reject(new TypeError("failed to fetch")), 0, "error.offline"],
  [
    "a proxy's page",
    () => Promise.resolve(new Response("<html>", { status: 502 })),
    502,
    "error.unexpected",
  ],
  ["too many attempts", () => Promise.resolve(problem(429, {})), 429, "error.tooMany"],
] as const)("%s is an error with words", async (_, reply, status, key) => {
  answer.mockImplementation(reply);
  const failure = await createApi("http://exchange.test")
    .http.GET("/api/me")
    .catch((e: unknown) => e);
  expect(failure).toMatchObject({ name: "ApiError", status });
  expect(errorKey(failure)).toBe(key);
});

test("whoever meets the end of the session tells the page, once per request", async () => {
  answer.mockResolvedValue(problem(401, {}));
  const ended = vi.fn();
  const queries = createQueries(ended);
  const api = createApi("http://exchange.test");
  await queries.query(api.query.queryOptions("get", "/api/me")).catch(() => undefined);
  expect(ended).toHaveBeenCalledTimes(1);
  expect(answer).toHaveBeenCalledTimes(1); // what is refused is not asked again
});
