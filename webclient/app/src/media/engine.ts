import { createStore } from "zustand/vanilla";
import { between, totals, type Measurement, type Totals } from "./quality.ts";

/** How the sound of this page stands. */
export interface MediaState {
  link: "idle" | "connecting" | "connected" | "failed";
  microphone: "closed" | "open" | "denied" | "missing" | "insecure";
  muted: boolean;
  quality: Measurement | null;
}

/** What the engine needs of its surroundings; a test hands in its own. */
export interface EngineOptions {
  /** Sends an offer; false says that it did not leave. */
  offer: (ms: string, sdp: string, why: "new" | "ice") => boolean;
  /** Plays what comes back. */
  speaker: HTMLAudioElement;
  /** Opens the microphone the user chose. */
  microphone: () => Promise<MediaStream>;
  /** Servers that help us to reach the exchange; known at once, or soon. */
  servers?: () => Promise<RTCIceServer[]>;
  /** Told when sound that came has stopped coming: the way may have changed. */
  onQuiet?: () => void;
  newPeer?: (configuration: RTCConfiguration) => RTCPeerConnection;
  newId?: () => string;
}

/** How often the quality is measured, in milliseconds. */
const interval = 1000;

/** How long to wait after a failure: without any network they follow at once. */
const againAfter = 250;

/** How often the page listens whether sound comes, and how long it may pause. */
const listenEvery = 100;
const quietAfter = 300;

/**
 * The page's one media session: a peer connection that is made before the first
 * call and kept. Calls come and go at the exchange's end of it; here only the
 * microphone is put in and taken out, which needs no negotiation.
 */
export class MediaEngine {
  readonly state = createStore<MediaState>(() => ({
    link: "idle",
    microphone: "closed",
    muted: false,
    quality: null,
  }));
  readonly #options: EngineOptions;
  #peer: RTCPeerConnection | null = null;
  #sender: RTCRtpSender | null = null;
  #stream: MediaStream | null = null;
  #opening: Promise<boolean> | null = null;
  #last: Promise<void> = Promise.resolve();
  #ms = "";
  #answered = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #before: Totals | null = null;
  #again: ReturnType<typeof setTimeout> | undefined;
  #ear: ReturnType<typeof setInterval> | undefined;
  #heard = { stamp: 0, at: 0, quiet: true };

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /**
   * Makes the session, or mends it after the way to the exchange changed: an ICE
   * restart on the same session, so that calls go on.
   */
  connect(): Promise<void> {
    return this.#inTurn(() => (this.#peer ? this.#mend(this.#peer) : this.#warm()));
  }

  /** Makes the session anew: the exchange no longer knows the old one. */
  renew(): Promise<void> {
    return this.#inTurn(async () => {
      this.#end();
      await this.#warm();
    });
  }

  /** Takes the exchange's answer; one to an older session is of no use any more. */
  answer(ms: string, sdp: string): Promise<void> {
    return this.#inTurn(async () => {
      if (ms !== this.#ms || this.#peer?.signalingState !== "have-local-offer") return;
      this.#answered = true;
      await this.#peer.setRemoteDescription({ type: "answer", sdp });
    });
  }

  /**
   * Hears that an offer was refused. lost says that the exchange does not know
   * the session, for which a new one is the cure.
   */
  refused(ms: string, lost: boolean): void {
    if (ms !== this.#ms) return;
    this.state.setState({ link: "failed" });
    if (lost) void this.renew();
  }

  /** Opens the microphone and puts it on the line; false says why in the state. */
  openMicrophone(): Promise<boolean> {
    this.#opening ??= this.#open().finally(() => (this.#opening = null));
    return this.#opening;
  }

  /** Changes over to the microphone the user chose meanwhile. */
  async changeMicrophone(): Promise<void> {
    if (!this.#stream) return;
    this.#release();
    await this.openMicrophone();
  }

  /** Takes the microphone off the line and lets go of it. */
  closeMicrophone(): void {
    this.#release();
    this.state.setState({ microphone: "closed", muted: false, quality: null });
    void this.#sender?.replaceTrack(null);
    clearInterval(this.#timer);
    clearInterval(this.#ear);
  }

  /** Silences the microphone, or opens it again, without telling anybody. */
  setMuted(muted: boolean): void {
    for (const track of this.#stream?.getAudioTracks() ?? []) track.enabled = !muted;
    this.state.setState({ muted });
  }

  /** Lets the loudspeaker sound; browsers want this within a click or key. */
  unlock(): void {
    // A refusal only means that there is nothing to play yet.
    this.#options.speaker.play().catch(() => undefined);
  }

  /** Ends the session and lets go of everything. */
  close(): void {
    this.closeMicrophone();
    this.#end();
  }

  async #open(): Promise<boolean> {
    if (this.#stream) return true;
    try {
      this.#stream = await this.#options.microphone();
    } catch (error) {
      this.state.setState({ microphone: failure(error) });
      return false;
    }
    const track = this.#stream.getAudioTracks()[0];
    if (track) track.enabled = !this.state.getState().muted;
    this.state.setState({ microphone: "open" });
    await this.#inTurn(() => this.#warm());
    await this.#sender?.replaceTrack(track ?? null);
    this.#before = null;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => void this.#measure(), interval);
    clearInterval(this.#ear);
    this.#heard = { stamp: 0, at: 0, quiet: true };
    this.#ear = setInterval(() => this.#listen(), listenEvery);
    return true;
  }

  /** One negotiation at a time: a peer connection takes them in no other way. */
  #inTurn(task: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(task).catch(() => this.state.setState({ link: "failed" }));
    return this.#last;
  }

  async #warm(): Promise<void> {
    if (this.#peer) return;
    const iceServers = (await this.#options.servers?.()) ?? [];
    const peer = (this.#options.newPeer ?? ((c) => new RTCPeerConnection(c)))({ iceServers });
    this.#peer = peer;
    this.#ms = (this.#options.newId ?? (() => crypto.randomUUID()))();
    this.#answered = false;
    this.#sender = peer.addTransceiver("audio", { direction: "sendrecv" }).sender;
    peer.ontrack = ({ track }) => {
      this.#options.speaker.srcObject = new MediaStream([track]);
    };
    peer.onconnectionstatechange = () => this.#changed(peer);
    await this.#sender.replaceTrack(this.#stream?.getAudioTracks()[0] ?? null);
    await this.#offer("new");
  }

  async #mend(peer: RTCPeerConnection): Promise<void> {
    if (peer.signalingState === "have-local-offer") {
      await peer.setLocalDescription({ type: "rollback" });
    }
    if (this.#answered) {
      const iceServers = await this.#options.servers?.();
      if (iceServers) peer.setConfiguration({ ...peer.getConfiguration(), iceServers });
      peer.restartIce();
    }
    await this.#offer(this.#answered ? "ice" : "new");
  }

  async #offer(why: "new" | "ice"): Promise<void> {
    const peer = this.#peer;
    if (!peer) return;
    this.state.setState({ link: "connecting" });
    // The exchange has one known address, so nothing has to be gathered first.
    await peer.setLocalDescription();
    this.#options.offer(this.#ms, peer.localDescription?.sdp ?? "", why);
  }

  #changed(peer: RTCPeerConnection): void {
    if (peer !== this.#peer) return;
    if (peer.connectionState === "connected") this.state.setState({ link: "connected" });
    // What the browser has lost for seconds it may find on another way.
    if (peer.connectionState === "disconnected") void this.connect();
    if (peer.connectionState === "failed") {
      this.state.setState({ link: "failed" });
      clearTimeout(this.#again);
      this.#again = setTimeout(() => void this.connect(), againAfter);
    }
  }

  /** Notices within a moment when sound stops that had been coming. */
  #listen(): void {
    const [source] = this.#peer?.getReceivers()[0]?.getSynchronizationSources() ?? [];
    const now = performance.now();
    if (source && source.timestamp !== this.#heard.stamp) {
      this.#heard = { stamp: source.timestamp, at: now, quiet: false };
    } else if (!this.#heard.quiet && now - this.#heard.at >= quietAfter) {
      this.#heard.quiet = true;
      this.#options.onQuiet?.();
    }
  }

  async #measure(): Promise<void> {
    if (!this.#peer) return;
    const report = await this.#peer.getStats();
    const now = totals(report);
    if (this.#before) this.state.setState({ quality: between(this.#before, now) });
    this.#before = now;
  }

  #release(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
  }

  #end(): void {
    const peer = this.#peer;
    clearTimeout(this.#again);
    this.#peer = this.#sender = this.#before = null;
    if (peer) peer.onconnectionstatechange = peer.ontrack = null;
    peer?.close();
    this.state.setState({ link: "idle" });
  }
}

/** Why there is no microphone, in words the page has a sentence for. */
function failure(error: unknown): MediaState["microphone"] {
  if (!navigator.mediaDevices as boolean) return "insecure";
  const name = error instanceof DOMException ? error.name : "";
  return name === "NotAllowedError" || name === "SecurityError" ? "denied" : "missing";
}
