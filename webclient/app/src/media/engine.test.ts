import { beforeEach, expect, test, vi } from "vitest";
import { MediaEngine } from "./engine.ts";

/** A peer connection that remembers what it was told. */
class FakePeer {
  signalingState: RTCSignalingState = "stable";
  connectionState: RTCPeerConnectionState = "new";
  localDescription: { sdp: string } | null = null;
  onconnectionstatechange: (() => void) | null = null;
  ontrack: unknown = null;
  restarts = 0;
  rollbacks = 0;
  closed = false;
  offers = 0;
  readonly sender = { track: null as unknown, replaceTrack: vi.fn((t: unknown) => this.#put(t)) };

  addTransceiver = () => ({ sender: this.sender });

  setLocalDescription(description?: { type: string }): Promise<void> {
    if (description?.type === "rollback") {
      this.rollbacks++;
      this.signalingState = "stable";
      return Promise.resolve();
    }
    this.offers++;
    this.signalingState = "have-local-offer";
    this.localDescription = { sdp: `offer ${this.offers}` };
    return Promise.resolve();
  }

  setRemoteDescription(): Promise<void> {
    this.signalingState = "stable";
    return Promise.resolve();
  }

  restartIce(): void {
    this.restarts++;
  }

  getStats = () => Promise.resolve(new Map());
  getConfiguration = () => ({});
  readonly setConfiguration = vi.fn();
  stamp = 0;
  getReceivers = () => [
    { getSynchronizationSources: () => (this.stamp ? [{ timestamp: this.stamp }] : []) },
  ];

  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  close(): void {
    this.closed = true;
  }

  #put(track: unknown): Promise<void> {
    this.sender.track = track;
    return Promise.resolve();
  }
}

let peers: FakePeer[];
let offers: [ms: string, sdp: string, why: string][];
let track: { enabled: boolean; stop: () => void };
let microphone: () => Promise<MediaStream>;
let engine: MediaEngine;
let servers: RTCIceServer[];
const onQuiet = vi.fn();

beforeEach(() => {
  peers = [];
  offers = [];
  servers = [];
  onQuiet.mockClear();
  track = { enabled: true, stop: vi.fn() };
  microphone = () =>
    Promise.resolve({
      getTracks: () => [track],
      getAudioTracks: () => [track],
    } as unknown as MediaStream);
  engine = new MediaEngine({
    offer: (...offer) => offers.push(offer) > 0,
    speaker: { play: () => Promise.resolve() } as HTMLAudioElement,
    microphone: () => microphone(),
    servers: () => Promise.resolve(servers),
    onQuiet,
    newId: () => `ms${peers.length}`,
    newPeer: () => {
      peers.push(new FakePeer());
      return peers.at(-1) as unknown as RTCPeerConnection;
    },
  });
});

test("the session is warm before the first call, and a call needs no offer", async () => {
  await engine.connect();
  await engine.answer("ms1", "answer");
  expect(offers).toEqual([["ms1", "offer 1", "new"]]);
  expect(await engine.openMicrophone()).toBe(true);
  expect(peers[0]?.sender.track).toBe(track);
  engine.closeMicrophone();
  expect(peers[0]?.sender.track).toBeNull();
  expect(track.stop).toHaveBeenCalled();
  expect(offers).toHaveLength(1);
  expect(peers).toHaveLength(1);
});

test("after a change of network the same session restarts ICE", async () => {
  await engine.connect();
  await engine.answer("ms1", "answer");
  await engine.connect();
  expect(peers[0]?.restarts).toBe(1);
  expect(offers.at(-1)).toEqual(["ms1", "offer 2", "ice"]);
});

test("an offer whose answer was lost is made again", async () => {
  await engine.connect();
  await engine.connect();
  expect(peers[0]?.rollbacks).toBe(1);
  expect(offers.at(-1)).toEqual(["ms1", "offer 2", "new"]);
});

test("an exchange that was restarted gets a new session, with the microphone on it", async () => {
  await engine.openMicrophone();
  await engine.answer("ms1", "answer");
  await engine.renew();
  expect(peers[0]?.closed).toBe(true);
  expect(peers[1]?.sender.track).toBe(track);
  expect(offers.at(-1)).toEqual(["ms2", "offer 1", "new"]);
});

test("an answer to an older session is ignored", async () => {
  await engine.connect();
  await engine.renew();
  await engine.answer("ms1", "answer");
  expect(peers[1]?.signalingState).toBe("have-local-offer");
});

test("a refused offer is admitted, and a session unknown over there made anew", async () => {
  await engine.connect();
  engine.refused("ms0", true); // of an older session
  expect(engine.state.getState().link).toBe("connecting");
  engine.refused("ms1", false);
  expect(engine.state.getState().link).toBe("failed");
  engine.refused("ms1", true);
  await vi.waitFor(() => expect(offers.at(-1)).toEqual(["ms2", "offer 1", "new"]));
});

test("a failed connection mends itself", async () => {
  await engine.connect();
  await engine.answer("ms1", "answer");
  peers[0]?.become("failed");
  await vi.waitFor(() => expect(offers).toHaveLength(2));
  expect(engine.state.getState().link).toBe("connecting");
  peers[0]?.become("connected");
  expect(engine.state.getState().link).toBe("connected");
});

test("a connection that falls silent is mended before it counts as failed", async () => {
  await engine.connect();
  await engine.answer("ms1", "answer");
  peers[0]?.become("disconnected");
  await vi.waitFor(() => expect(offers).toHaveLength(2));
  expect(peers[0]?.restarts).toBe(1);
});

test("a restart goes by the relays of the moment", async () => {
  await engine.connect();
  await engine.answer("ms1", "answer");
  servers = [{ urls: ["turn:relay.test"], username: "u", credential: "c" }];
  await engine.connect();
  expect(peers[0]?.setConfiguration).toHaveBeenCalledWith({ iceServers: servers });
});

test("sound that stops coming is noticed once, silence from the start is not", async () => {
  vi.useFakeTimers();
  try {
    await engine.openMicrophone();
    vi.advanceTimersByTime(2000);
    expect(onQuiet).not.toHaveBeenCalled();
    for (let i = 1; i < 20; i++) {
      if (peers[0]) peers[0].stamp = i;
      vi.advanceTimersByTime(100);
    }
    expect(onQuiet).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2000);
    expect(onQuiet).toHaveBeenCalledTimes(1);
  } finally {
    engine.closeMicrophone();
    vi.useRealTimers();
  }
});

test("mute silences the track and nothing else, and ends with the call", async () => {
  await engine.openMicrophone();
  engine.setMuted(true);
  expect(track.enabled).toBe(false);
  expect(peers[0]?.sender.track).toBe(track);
  engine.closeMicrophone();
  expect(engine.state.getState().muted).toBe(false);
});

test.each([
  ["NotAllowedError", "denied"],
  ["NotFoundError", "missing"],
  ["NotReadableError", "missing"],
])("a microphone that fails with %s is %s", async (name, state) => {
  vi.stubGlobal("navigator", { mediaDevices: {} });
  microphone = () => Promise.reject(new DOMException("", name));
  expect(await engine.openMicrophone()).toBe(false);
  expect(engine.state.getState().microphone).toBe(state);
  vi.unstubAllGlobals();
});

test("two clicks open one microphone", async () => {
  const open = vi.fn(microphone);
  microphone = open;
  await Promise.all([engine.openMicrophone(), engine.openMicrophone()]);
  expect(open).toHaveBeenCalledTimes(1);
});
