import type {
  AdminPerson,
  Ban,
  CallRecord,
  Device,
  Extension,
  LiveCall,
  Registration,
  Settings,
  Trace,
  TraceHead,
} from "../../kit/src/api/types.ts";
import { now, people, type Script } from "./exchange.ts";

/** Where the portal is served. */
export const portal = "http://localhost:4174/admin";

const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString();

const persons: AdminPerson[] = people.slice(0, 6).map((p, i) => ({
  id: p.user_id,
  first_name: p.name.split(" ")[0] ?? "",
  last_name: p.name.split(" ")[1] ?? "",
  email: `${p.number}@example.com`,
  mobile: "",
  role: i === 0 ? "administrator" : i === 1 ? "supervisor" : "user",
  language: "cs",
  disabled: i === 4,
  can_sign_in: true,
  extension: p.number,
}));

const extensions: Extension[] = people.map((p, i) => ({
  number: p.number,
  name: i > 6 ? p.name : "",
  user_id: i > 6 ? null : p.user_id,
  user_name: i > 6 ? "" : p.name,
  language: "en",
  disabled: i === 4,
  devices: i % 3,
}));

const devices: Device[] = people.slice(0, 8).map((p, i) => ({
  id: `d${i}`,
  extension: p.number,
  name: i % 2 ? "Cordless" : "Desk phone",
  username: i === 2 ? `${p.number}-2` : p.number,
  disabled: i === 4,
  encryption: i === 1 ? "require" : "off",
  registered: i !== 4 && i !== 6,
}));

const registrations: Registration[] = devices
  .filter((d) => d.registered)
  .map((d, i) => ({
    device: d.id,
    username: d.username,
    extension: d.extension,
    contact: `sip:${d.username}@192.0.2.${20 + i}:5060`,
    user_agent: i % 2 ? "Yealink SIP-T54W 96.86.0.100" : "snomD735/10.1.184.15",
    edge: "udp",
    transport: i % 3 ? "udp" : "tls",
    remote: `192.0.2.${20 + i}:5060`,
    reachable: i !== 3,
    registered_at: ago(4_000),
    expires_at: ago(-1_800 + i * 60),
  }));

const lukas = { number: "102", name: "Lukas Schäfer" };
const petr = { number: "103", name: "Petr Dvořák" };
const outside = { number: "+43 1 5551234", name: "" };

const calls: LiveCall[] = [
  {
    call: "c1",
    from: petr,
    to: { number: "110", name: "Markus Leitner" },
    state: "talking",
    legs: [],
    started_at: ago(250),
    answered_at: ago(245),
  },
  {
    call: "c2",
    from: outside,
    to: { number: "104", name: "Anna Gruber" },
    state: "ringing",
    legs: [],
    started_at: ago(4),
    answered_at: null,
  },
];

const leg = {
  device: "Desk phone",
  user_agent: "snomD735/10.1.184.15",
  remote: "192.0.2.20:5060",
  ended_at: ago(1_900),
  packets_received: 24_000,
  packets_lost: 31,
  jitter_ms: 2.4,
  edge: "udp",
  rang_at: null,
  packets_sent: 24_000,
  round_trip_ms: 8,
  quality: {
    codec: "PCMA",
    round_trip_ms: 8,
    from: { loss: 0.0013, jitter_ms: 2.4, mos: 4.38 },
    to: { loss: 0, jitter_ms: 1.1, mos: 4.41 },
  },
};

const records: CallRecord[] = [
  {
    call: "r1",
    from: lukas,
    dialled: "103",
    answered_by: petr,
    started_at: ago(2_400),
    rang_at: ago(2_399),
    answered_at: ago(2_390),
    ended_at: ago(1_900),
    cause: { code: "normal", by: "caller" },
    legs: [
      {
        ...leg,
        leg: "l1",
        direction: "incoming",
        party: lukas,
        started_at: ago(2_400),
        answered_at: ago(2_390),
        cause: { code: "normal" },
        codec: "PCMA",
      },
      {
        ...leg,
        leg: "l2",
        direction: "outgoing",
        party: petr,
        started_at: ago(2_399),
        answered_at: ago(2_390),
        cause: { code: "normal" },
        codec: "PCMA",
      },
      {
        ...leg,
        leg: "l3",
        direction: "outgoing",
        party: petr,
        device: "Cordless",
        started_at: ago(2_399),
        answered_at: null,
        cause: { code: "answered_elsewhere" },
        codec: "",
      },
    ],
  },
  {
    call: "r2",
    from: outside,
    dialled: "101",
    answered_by: null,
    started_at: ago(9_000),
    rang_at: ago(8_999),
    answered_at: null,
    ended_at: ago(8_970),
    cause: { code: "no_answer" },
    legs: [],
  },
  {
    call: "r3",
    from: petr,
    dialled: "150",
    answered_by: null,
    started_at: ago(90_000),
    rang_at: null,
    answered_at: null,
    ended_at: ago(89_995),
    cause: { code: "not_in_service" },
    legs: [],
  },
];

const bans: Ban[] = [
  {
    address: "203.0.113.77",
    reason: "digest",
    since: ago(600),
    until: ago(-3_000),
  },
];

const message = (at: number, from: string, to: string, title: string) => ({
  at: new Date(now.getTime() - 60_000 + at).toISOString(),
  kind: "message" as const,
  leg: "l1",
  from,
  to,
  title,
  text: `${title}\r\nVia: SIP/2.0/UDP 192.0.2.20:5060\r\nFrom: <sip:102@pbx.test>;tag=1\r\n`,
  params: {},
  tone: "info" as const,
});

const decision = (
  at: number,
  title: string,
  params: Record<string, string>,
  tone: "info" | "good" | "bad",
) => ({
  at: new Date(now.getTime() - 60_000 + at).toISOString(),
  kind: "decision" as const,
  leg: "l1",
  from: "",
  to: "",
  title,
  params,
  text: "",
  tone,
});

const trace: Trace = {
  call: "r1",
  from: lukas,
  dialled: "103",
  started_at: ago(60),
  refused: null,
  cause: { code: "no_answer" },
  source: "192.0.2.20:5060",
  ended_at: ago(29),
  attempts: 0,
  verdict: "no_answer",
  dropped: 0,
  outcomes: [
    {
      extension: "103",
      device: "d2",
      name: "Petr Dvořák",
      leg: "l2",
      verdict: "no_answer",
      params: { username: "103" },
    },
    {
      extension: "103",
      device: "d9",
      name: "Petr Dvořák",
      leg: "",
      verdict: "not_registered",
      params: { username: "103-2" },
    },
  ],
  entries: [
    message(0, "102", "klapka", "INVITE sip:103@pbx.test"),
    message(1, "klapka", "102", "407 Proxy Authentication Required"),
    message(22, "102", "klapka", "ACK"),
    message(24, "102", "klapka", "INVITE sip:103@pbx.test"),
    decision(25, "call.started", { from: "102", dialled: "103", to: "extension:103" }, "info"),
    decision(26, "device", { username: "103", state: "rung" }, "info"),
    decision(26, "device", { username: "103-2", state: "not_registered" }, "bad"),
    message(27, "klapka", "103", "INVITE sip:103@192.0.2.21:5060"),
    message(61, "103", "klapka", "180 Ringing"),
    message(62, "klapka", "102", "180 Ringing"),
    decision(30_027, "leg.ended", { cause: "no_answer" }, "bad"),
    message(30_028, "klapka", "103", "CANCEL"),
    message(30_060, "103", "klapka", "487 Request Terminated"),
    message(30_061, "klapka", "102", "480 Temporarily Unavailable"),
  ],
};

const head: TraceHead = {
  call: trace.call,
  from: trace.from,
  dialled: trace.dialled,
  started_at: trace.started_at,
  refused: trace.refused,
  cause: trace.cause,
  source: trace.source,
  ended_at: trace.ended_at,
  attempts: trace.attempts,
  verdict: trace.verdict,
};

const settings: Settings = {
  company: "Hofer GmbH",
  language: "de",
  realm: "pbx.test",
  demo: false,
};

/** A portal with something in every room. */
export const furnished: Script = {
  answers: {
    "GET /api/admin/people": { body: persons },
    "GET /api/admin/extensions": { body: extensions },
    "GET /api/admin/devices": { body: devices },
    "GET /api/admin/registrations": { body: registrations },
    "GET /api/admin/calls": { body: calls },
    "GET /api/admin/records": { body: { items: records, next: null } },
    "GET /api/admin/bans": { body: bans },
    "GET /api/admin/trace": {
      body: [
        head,
        {
          ...head,
          call: "x1",
          from: outside,
          dialled: "900",
          refused: "digest",
          verdict: "refused_digest",
          attempts: 3,
          cause: null,
        },
      ],
    },
    "GET /api/admin/trace/r1": { body: trace },
    "GET /api/admin/settings": { body: settings },
    "POST /api/admin/devices": {
      body: { device: devices[0], secret: "mountain-otter-39-lamp", server: "pbx.example.com" },
    },
    "DELETE /api/admin/extensions/102": {
      status: 409,
      body: { detail: "Two phones still ring for 102. Delete or move them first." },
    },
  },
};
